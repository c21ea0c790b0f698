// The routing tree: nested lists, which screen readers know as such, each route with what it says to the alert
// that is asked about.
import type { Route, RouteVisit } from "../../api/types.gen";
import { State } from "../../kit/State";
import { text } from "../../text";

const words = text.alerts.routing;

interface RouteTreeProps {
  root: Route;
  visits?: Record<string, RouteVisit> | undefined;
}

export function RouteTree({ root, visits }: RouteTreeProps) {
  return (
    <ul className="tree">
      <Node route={root} parent={null} visits={visits} />
    </ul>
  );
}

interface NodeProps {
  route: Route;
  parent: Route | null;
  visits?: Record<string, RouteVisit> | undefined;
}

function Node({ route, parent, visits }: NodeProps) {
  const visit = visits?.[route.id];
  const isOff = visit !== undefined && (visit.outcome === "not-reached" || visit.outcome === "differs");
  return (
    <li>
      <div className={`route ${isOff ? "dim" : ""}`}>
        <p className="row">
          {visit && <State of={visit.outcome} />}
          <span className="mono wrap">{parent === null ? words.root : route.matchers.join(", ") || words.any}</span>
          <span aria-hidden="true">→</span>
          <b className="wrap">{route.receiver}</b>
          {route.continues && <span className="state info">{words.continues}</span>}
          {route.neverMatches && (
            <span className="state warn" title={route.neverMatches}>
              {words.never}
            </span>
          )}
          {route.alerts > 0 && <span className="small">{words.alerts(route.alerts)}</span>}
        </p>
        {visit?.because && <p className="small wrap">{visit.because}</p>}
        {route.neverMatches && <p className="small wrap">{route.neverMatches}</p>}
        <p className="small dim wrap">{about(route, parent)}</p>
      </div>
      {route.children.length > 0 && (
        <ul>
          {route.children.map((child) => (
            <Node key={child.id} route={child} parent={route} visits={visits} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Timers and grouping, where they differ from the route above. */
function about(route: Route, parent: Route | null): string {
  const parts: string[] = [];
  const timers = (one: Route) => words.timers(one.groupWait, one.groupInterval, one.repeatInterval);
  const grouping = (one: Route) => words.groupedBy(one.groupBy.join(", ") || text.none);
  if (parent === null || timers(route) !== timers(parent)) parts.push(timers(route));
  if (parent === null || grouping(route) !== grouping(parent)) parts.push(grouping(route));
  if (route.muteTimeIntervals.length > 0) parts.push(words.muted(route.muteTimeIntervals.join(", ")));
  if (route.activeTimeIntervals.length > 0) parts.push(words.activeIn(route.activeTimeIntervals.join(", ")));
  return parts.join(" · ");
}
