// The only place that talks to the server. Every failure becomes a Failure with a kind, so that pages can say
// what happened and what to do.
import type { Gets, Posts } from "./types.gen";

export type FailureKind = "unreachable" | "not-ready" | "refused" | "not-found" | "broken" | "failed";

interface About {
  url: string;
  status?: number;
  errorType?: string | undefined;
  /** What the server calls the request, in its log too. */
  requestId?: string | undefined;
}

export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly about: About,
  ) {
    super(message);
    this.name = "Failure";
  }

  /** Everything that helps somebody else to help. */
  details(): string {
    const { url, status, errorType, requestId } = this.about;
    const lines = [this.message, `URL: ${url}`, `status: ${status ?? "no answer"}`, `kind: ${errorType ?? this.kind}`];
    if (requestId) lines.push(`request: ${requestId}`);
    return [...lines, `time: ${new Date().toISOString()}`].join("\n");
  }
}

/** An answer, with what the server notes about it. */
export interface Answer<T> {
  data: T;
  warnings: string[];
  infos: string[];
}

type Values = Record<string, string | number | readonly string[] | undefined>;

let prefix = "";

/** Set once, before anything is asked. */
export function servedBelow(path: string): void {
  prefix = path;
}

/** A path with its parameters, below the prefix. Empty parameters are left out. */
export function urlOf(path: string, params: Values = {}): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === "") continue;
    if (path.includes(`{${name}}`)) filled = filled.replace(`{${name}}`, encodeURIComponent(String(value)));
    else for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const text = query.toString();
  return `${prefix}${filled}${text === "" ? "" : `?${text}`}`;
}

interface Envelope {
  status?: unknown;
  data?: unknown;
  warnings?: string[];
  infos?: string[];
  errorType?: string;
  error?: string;
  message?: string;
}

/** Of a text that is not the server's own, such as a proxy's page. */
const foreignMax = 500;
/** Of what the server says: it may name many problems, a line each. */
const toldMax = 20_000;

async function send(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Failure("unreachable", "the server does not answer", { url });
  }
  const text = await response.text().catch((error) => {
    if (init.signal?.aborted) throw error;
    throw new Failure("unreachable", "the answer broke off", { url, status: response.status });
  });
  let body: unknown;
  try {
    body = text === "" ? null : JSON.parse(text);
  } catch {
    body = undefined;
  }
  const status = response.status;
  if (!response.ok) throw refusal(url, response, body, text);
  if (body === undefined) {
    const begin = text.slice(0, 80);
    throw new Failure("broken", `the answer is not JSON; it begins with ${JSON.stringify(begin)}`, { url, status });
  }
  return body;
}

function refusal(url: string, response: Response, body: unknown, text: string): Failure {
  const { status } = response;
  const envelope = (typeof body === "object" && body !== null ? body : {}) as Envelope;
  const told = typeof body === "string" ? body : (envelope.error ?? envelope.message);
  const message =
    (told?.slice(0, toldMax) ?? text.trim().slice(0, foreignMax)) || `the server answered with status ${status}`;
  const requestId = response.headers.get("x-request-id")?.slice(0, 200);
  const about = { url, status, errorType: envelope.errorType, requestId };
  if (status === 404) return new Failure("not-found", message, about);
  if (status === 502 || status === 504) return new Failure("unreachable", message, about);
  // Timeouts of queries have this status too, and say so.
  if (status === 503 && envelope.errorType === undefined) return new Failure("not-ready", message, about);
  if (status >= 500) return new Failure("failed", message, about);
  return new Failure("refused", message, about);
}

function unwrap<T>(body: unknown): Answer<T> {
  if (typeof body === "object" && body !== null && (body as Envelope).status === "success") {
    const envelope = body as Envelope;
    return { data: envelope.data as T, warnings: envelope.warnings ?? [], infos: envelope.infos ?? [] };
  }
  return { data: body as T, warnings: [], infos: [] };
}

/** The data of our own paths, which are always in an envelope; `/api/v2` has none. */
function own<T>(path: string, url: string, body: unknown): Answer<T> {
  const answer = unwrap<T>(body);
  const isBare = path.startsWith("/api/v2/");
  const isWhole = typeof body === "object" && body !== null && (body as Envelope).status === "success";
  if (isBare ? body !== null : isWhole && answer.data !== undefined && answer.data !== null) return answer;
  const begin = JSON.stringify(body).slice(0, 80);
  throw new Failure("broken", `the answer is JSON, but none of this server; it begins with ${begin}`, { url });
}

/** URLs longer than this do not pass every proxy; the paths that can be that long take POST too. */
const urlMax = 4000;
const takesForm = new Set<string>([
  "/api/v1/query",
  "/api/v1/query_range",
  "/api/v1/query_exemplars",
  "/api/v1/series",
  "/api/v1/labels",
]);

export async function get<P extends keyof Gets>(
  path: P,
  params: Gets[P]["params"],
  signal?: AbortSignal,
): Promise<Answer<Gets[P]["answer"]>> {
  const url = urlOf(path, params as Values);
  if (url.length > urlMax && takesForm.has(path)) {
    const body = new URLSearchParams(url.slice(url.indexOf("?") + 1));
    return own(path, url, await send(urlOf(path), { method: "POST", body, signal: signal ?? null }));
  }
  return own(path, url, await send(url, { signal: signal ?? null, headers: { accept: "application/json" } }));
}

export async function post<P extends keyof Posts>(
  path: P,
  body: Posts[P]["body"],
  signal?: AbortSignal,
): Promise<Answer<Posts[P]["answer"]>> {
  const headers = { "content-type": "application/json" };
  return unwrap(
    await send(urlOf(path), { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null }),
  );
}

/** For paths outside of the documents, such as `/-/reload`: the status is the answer. */
export async function act(path: string, method = "POST"): Promise<void> {
  const url = urlOf(path);
  const response = await fetch(url, { method }).catch(() => {
    throw new Failure("unreachable", "the server does not answer", { url });
  });
  if (!response.ok) {
    const text = await response.text();
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      // Then what it says is text.
    }
    throw refusal(url, response, body, text);
  }
}

export function isFailure(error: unknown, kind: FailureKind): boolean {
  return error instanceof Failure && error.kind === kind;
}
