/** The list that the API pushes to and the worker pops from, and what stands in it. */
export const jobQueue = "focus:jobs";

export interface SummarizeJob {
  kind: "summarize";
  habit: string;
}
