// There are no worker threads of Node's in the browser: the engine judges in the page.
export const parentPort = null;
export class Worker {
  constructor() {
    throw new Error("no worker threads here");
  }
}
