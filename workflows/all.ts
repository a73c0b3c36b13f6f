// Promise.all for steps: waits for all of them, then fails with the first failure, because an abort must find nothing
// still at work when it starts to take things back.
export async function all<T>(promises: Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
