import type { KubectlAnswer } from "./api-server.ts";

/** What kubectl printed; throws with its complaint where it refused. */
export async function must(answer: Promise<KubectlAnswer>): Promise<string> {
  const { status, stdout, stderr } = await answer;
  if (status !== 0) throw new Error(stderr || stdout);
  return stdout;
}

/** Why the request was refused; throws where it was not. */
export async function denied(answer: Promise<KubectlAnswer>): Promise<string> {
  const { status, stdout, stderr } = await answer;
  if (status === 0) throw new Error(`was not refused: ${stdout}`);
  return stderr;
}

/** Whether a request is admitted, for polling. */
export async function admitted(answer: Promise<KubectlAnswer>): Promise<boolean> {
  return (await answer).status === 0;
}
