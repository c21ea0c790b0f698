// The blocks on disk: what times they hold, and how much.
import { useGet } from "../../api/hooks";
import { type Column, DataTable } from "../../kit/DataTable";
import { shortDuration } from "../../kit/duration";
import { formatCount } from "../../kit/format";
import { Shown } from "../../kit/states";
import { Instant } from "../../kit/Time";
import { text } from "../../text";
import { type Block, blocksOf } from "./meta";

const words = text.server.storage;

const columns: ReadonlyArray<Column<Block>> = [
  { key: "id", title: words.block, render: (row) => <code className="wrap">{row.id}</code> },
  { key: "from", title: words.blockFrom, width: "18%", render: (row) => <Instant at={row.fromMs} /> },
  {
    key: "length",
    title: words.blockLength,
    width: "10%",
    numeric: true,
    render: (row) => shortDuration(row.toMs - row.fromMs),
  },
  { key: "level", title: words.blockLevel, width: "10%", numeric: true, render: (row) => String(row.level) },
  { key: "series", title: words.series, width: "12%", numeric: true, render: (row) => formatCount(row.series) },
  { key: "samples", title: words.blockSamples, width: "14%", numeric: true, render: (row) => formatCount(row.samples) },
];

export function Blocks() {
  const found = useGet("/api/v1/status/tsdb/blocks", {}, { live: true });
  return (
    <section className="card">
      <h2>{words.blocks}</h2>
      <Shown of={found} lines={2}>
        {({ data }) => {
          const blocks = blocksOf(data.blocks);
          return blocks.length === 0 ? (
            <p className="dim">{words.noBlocks}</p>
          ) : (
            <>
              <p className="small dim">
                {words.blocksSum(blocks.length, formatCount(blocks.reduce((sum, block) => sum + block.samples, 0)))}
              </p>
              <DataTable caption={words.blocks} columns={columns} rows={blocks} keyOf={(row) => row.id} />
            </>
          );
        }}
      </Shown>
    </section>
  );
}
