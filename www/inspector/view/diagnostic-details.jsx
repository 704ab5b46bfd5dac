/** @import { EventRecord } from "../model/types.d.ts" */
import { useContext } from "preact/hooks";
import { summarizeDiagnostic } from "../model/diagnostic-summary.js";
import { dataOf } from "../model/event.js";
import { debugUrl } from "../model/rejection-page.js";
import {
  describeRejection,
  DIAGNOSTICS_CONTENT,
  explainRejections,
  rejectedCount,
  rejectedNames,
} from "../model/rejections.js";
import {
  CopyButton,
  DefinitionRow,
  UntrustedCode,
  UntrustedText,
} from "./components.jsx";
import { AnalysisContext } from "./hooks.js";

/**
 * What a diagnostic reports.
 *
 * @param {{ entry: EventRecord }} props
 */
export const DiagnosticDetails = ({ entry }) => {
  const data = dataOf(entry.event);
  const facts = summarizeDiagnostic(data);
  const count = rejectedCount(data);
  return (
    <div class="details-part">
      {facts.length > 0 && (
        <p>
          <UntrustedText value={facts.map(({ words }) => words).join(" · ")} />
        </p>
      )}
      {count > 0 && (
        <>
          <p>
            The pixel rejected {count === 1 ? "a call" : "calls"} on the page. A
            rejected call is not sent, so OpenAI does not count it.
          </p>
          <RejectedCalls data={data} />
          <RejectionSource entry={entry} />
        </>
      )}
    </div>
  );
};

/** @param {{ data: Record<string, unknown> }} props */
const RejectedCalls = ({ data }) => {
  const rejections = explainRejections(data);
  return (
    <>
      <ul class="violations" aria-label="Rejected calls">
        {rejections.map((rejection, i) => (
          <li key={i} class="violation">
            <UntrustedText value={describeRejection(rejection)} longest={800} />
            {rejection.field !== undefined && (
              <>
                {" "}
                (<UntrustedCode value={rejection.field} longest={100} />)
              </>
            )}
          </li>
        ))}
      </ul>
      {rejections.some(({ name }) => name === undefined) && (
        <p class="muted">
          Rejected events:{" "}
          <UntrustedText value={rejectedNames(data)} longest={600} />
        </p>
      )}
    </>
  );
};

/**
 * Where calls were rejected, and how to see what a diagnostic does not report.
 *
 * @param {{ entry: EventRecord }} props
 */
const RejectionSource = ({ entry }) => {
  const page = useContext(AnalysisContext).pages.get(entry);
  const url = page && debugUrl(page.url);
  return (
    <>
      <dl>
        <DefinitionRow name="Page">
          {page ? (
            <>
              <UntrustedText value={page.url} longest={600} />
              {!page.isCertain && (
                <span class="muted">
                  {" "}
                  (probably: this browser's last event came from there)
                </span>
              )}
            </>
          ) : (
            <span class="muted">
              unknown: the request does not name a page. Look at the events that
              arrived around the same time.
            </span>
          )}
        </DefinitionRow>
      </dl>
      <p>{DIAGNOSTICS_CONTENT}</p>
      <p>
        To see the value, open{" "}
        {url === undefined ? (
          <>
            the page with <code>?oaiq_debug=1</code> at the end of its URL
          </>
        ) : (
          <UntrustedCode value={url} longest={600} />
        )}
        , repeat what the visitor did, and read the browser's console.
      </p>
      {url !== undefined && (
        <p>
          <CopyButton class="small" text={() => url}>
            Copy this URL
          </CopyButton>
        </p>
      )}
    </>
  );
};
