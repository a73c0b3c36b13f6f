// A secret of a settings file: shows itself to nobody who does not ask for it by name, whatever prints the object that
// it is part of.

export interface Secret {
  /** The only way to its text. */
  reveal: () => string;
}

/** JSON and every log show a function as nothing, or by its name. */
export const secret = (text: string): Secret => ({ reveal: () => text });
