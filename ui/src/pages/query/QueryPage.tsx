// Query: panels with expressions, all of it in the address.
import { useCallback, useMemo } from "react";
import { Icon } from "../../kit/Icon";
import { Button } from "../../kit/mantine";
import { Page } from "../../kit/Page";
import { text } from "../../text";
import { emptyPanel, type Panel, readPanels, writePanels } from "../../url/panels";
import { usePageState } from "../../url/state";
import { PanelView } from "./PanelView";
import { isLinked, RangeBar, type RangeChange } from "./RangeBar";

const words = text.explore;

export default function QueryPage() {
  const state = usePageState();
  const { params, replaceAll } = state;
  const panels = useMemo(() => readPanels(params), [params]);
  const write = useCallback(
    (next: readonly Panel[]) => {
      const written = writePanels(next);
      // What else stands in the address stays there.
      for (const [name, value] of params) if (!/^g\d{1,3}\./.test(name)) written.append(name, value);
      replaceAll(written, { push: true });
    },
    [params, replaceAll],
  );
  const change = (index: number, changes: Partial<Panel>) =>
    write(panels.map((panel, other) => (other === index ? { ...panel, ...changes } : panel)));
  const first = panels[0] ?? emptyPanel;
  // The range is the page's: panels that share the first one's follow it.
  const changeRange = (changes: RangeChange) =>
    write(panels.map((panel) => (isLinked(panel, first) ? { ...panel, ...changes } : panel)));
  const toggleLegends = () => write(panels.map((panel) => ({ ...panel, hasLegend: !first.hasLegend })));
  const duplicate = (index: number) => {
    const copy = panels[index];
    if (copy) write([...panels.slice(0, index + 1), copy, ...panels.slice(index + 1)]);
  };
  return (
    <Page
      title={text.shell.pages.query}
      actions={
        <>
          <RangeBar panel={first} onChange={changeRange} keys={{ onLegend: toggleLegends }} />
          <Button
            variant="default"
            leftSection={<Icon name="plus" />}
            onClick={() => write([...panels, { ...emptyPanel, rangeMs: first.rangeMs, endMs: first.endMs }])}
          >
            {words.addPanel}
          </Button>
        </>
      }
    >
      <div className="stack">
        {panels.map((panel, index) => (
          <PanelView
            key={index}
            panel={panel}
            number={index}
            isLinked={isLinked(panel, first)}
            onChange={(changes) => change(index, changes)}
            onRange={isLinked(panel, first) ? changeRange : (changes) => change(index, changes)}
            onDuplicate={() => duplicate(index)}
            onRemove={panels.length > 1 ? () => write(panels.filter((_, other) => other !== index)) : undefined}
          />
        ))}
      </div>
    </Page>
  );
}
