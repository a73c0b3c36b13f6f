// What the moves of this cluster have taken: what past runs keep of each, for plans and for whoever wants to bring a VM
// back.

export interface PastMove {
  vm: string;
  vmId: string;
  from: string;
  to: string;
  /** Memory of the VM. */
  bytes: number;
  seconds: number;
}
