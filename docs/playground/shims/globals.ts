import { Buffer } from "buffer";

// The packages use Node's global Buffer; this module is imported before them.
Object.assign(globalThis, { Buffer, process: { env: {} } });
