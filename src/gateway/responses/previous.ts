/** A response that continues another one goes to the service that keeps that one. */
import type { Failure } from "../api/failure.ts";
import type { Inquiry } from "../request/inquiry.ts";
import type { Candidate, Route } from "../routing/route.ts";
import { makesResponses } from "./remember.ts";

/** The route, narrowed to the service that made the response which is continued. */
export function bindToPrevious(asked: Omit<Inquiry, "heartbeat">, route: Route): Route {
  const { app, endpoint, key, payload } = asked;
  const previous = payload.previousResponse;
  if (previous === undefined || route.kind === "none" || !makesResponses(endpoint)) return route;
  const service = app.responses.serviceOf(key.name, previous);
  if (service === undefined) return { kind: "none", failure: unknownPrevious(previous) };
  const isThere = ({ monitor }: Candidate) => monitor.upstream.id === service;
  const candidates = route.candidates.filter(isThere);
  if (candidates.length === 0) return { kind: "none", failure: notThere(service) };
  return { ...route, candidates, reason: `${route.reason}; previous_response_id` };
}

function unknownPrevious(id: string): Failure {
  const message = `The response "${id.slice(0, 200)}" is not known here for this key.`;
  const param = "previous_response_id";
  return { status: 404, code: "previous_response_not_found", param, message, fault: "client" };
}

function notThere(service: string): Failure {
  const message = `The previous response is kept by the service "${service}", which does not answer this model now.`;
  const param = "previous_response_id";
  return { status: 400, code: "previous_response_elsewhere", param, message, fault: "client" };
}
