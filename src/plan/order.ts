/** Puts the actions of a plan into an order that could be executed one by one. */
import type { Action } from "./plan.ts";

/**
 * Drops edges to actions that the plan does not need, and sorts so that every action follows those it waits for;
 * otherwise the given order stays. Throws a plain Error on a cycle, which would be a bug in the planner.
 */
export function inOrder(actions: readonly Action[]): readonly Action[] {
  const ids = new Set(actions.map(({ id }) => id));
  const waiting = actions.map((action) => prune(action, ids));
  const ordered: Action[] = [];
  const done = new Set<string>();
  while (waiting.length > 0) {
    const index = waiting.findIndex(({ after }) => after.every((id) => done.has(id)));
    const [action] = index < 0 ? [] : waiting.splice(index, 1);
    if (!action)
      throw new Error(`the plan waits for itself: ${waiting.map(({ id }) => id).join(", ")}`);
    done.add(action.id);
    ordered.push(action);
  }
  return ordered;
}

/** Chains actions so that each waits for the one before it. */
export function inSequence(actions: readonly Action[]): readonly Action[] {
  return actions.map((action, index) => {
    const previous = actions[index - 1];
    return previous ? { ...action, after: [...action.after, previous.id] } : action;
  });
}

function prune(action: Action, ids: ReadonlySet<string>): Action {
  return { ...action, after: [...new Set(action.after)].filter((id) => ids.has(id)) };
}
