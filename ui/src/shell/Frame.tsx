// The frame: skip link, rail, bar, banners, and the page within its own boundary.
import { Suspense, useEffect, useRef, useState } from "react";
import { Link, NavLink, Outlet, useLocation, useNavigationType } from "react-router";
import { useBoot, useGet } from "../api/hooks";
import { shortDuration } from "../kit/duration";
import { Icon } from "../kit/Icon";
import { ActionIcon, Button } from "../kit/mantine";
import { Page } from "../kit/Page";
import { change, useSettings } from "../kit/settings";
import { Empty, Loading } from "../kit/states";
import { setSkew, useNow } from "../kit/Time";
import { useLive } from "../live/live";
import { text } from "../text";
import { shownBy } from "../url/prefix";
import { areasThatWork, type PageLink, pageWithoutServer } from "./areas";
import { Boundary } from "./Boundary";
import { KeySheet, useKeys } from "./keys";
import { Notices } from "./Notices";
import { Palette } from "./Palette";
import { SettingsDrawer } from "./SettingsDrawer";

const words = text.shell;

export function Frame() {
  const { railIsNarrow } = useSettings();
  const { state } = useLive();
  const { pathname } = useLocation();
  const [open, setOpen] = useState<"palette" | "keys" | "settings" | null>(null);
  useKeys(setOpen);
  const close = () => setOpen(null);
  useNewPage(pathname);
  const missing = pageWithoutServer(shownBy(pathname), useBoot().data?.paths);
  return (
    <>
      <a className="skip" href="#page">
        {words.skip}
      </a>
      <div className={`frame ${railIsNarrow ? "narrow" : ""} ${state === "stale" ? "stale" : ""}`}>
        <Rail isNarrow={railIsNarrow} />
        <div style={{ minWidth: 0 }}>
          <Bar onOpen={setOpen} />
          <Banners />
          <main id="page" tabIndex={-1} style={{ outline: "none" }}>
            <Boundary key={pathname}>
              <Suspense
                fallback={
                  <div className="page">
                    <Loading />
                  </div>
                }
              >
                {missing === null ? <Outlet /> : <NotServed page={missing} />}
              </Suspense>
            </Boundary>
          </main>
        </div>
      </div>
      <Palette opened={open === "palette"} onClose={close} onOpen={setOpen} />
      <KeySheet opened={open === "keys"} onClose={close} />
      <SettingsDrawer opened={open === "settings"} onClose={close} onOpen={() => setOpen("settings")} />
    </>
  );
}

/** Another page begins at its top, and whoever reads or types goes on there; going back is the browser's business. */
function useNewPage(pathname: string): void {
  const how = useNavigationType();
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    if (how === "POP") return;
    window.scrollTo(0, 0);
    document.getElementById("page")?.focus({ preventScroll: true });
  }, [pathname, how]);
}

/** A link led to a page that this server has nothing behind. */
function NotServed({ page }: { page: PageLink }) {
  return (
    <Page title={page.title}>
      <Empty title={words.notServed.title} action={<Link to="/status">{words.notThere.home}</Link>}>
        {words.notServed.about}
      </Empty>
    </Page>
  );
}

function Rail({ isNarrow }: { isNarrow: boolean }) {
  const areas = areasThatWork(useBoot().data?.paths);
  return (
    <nav className="rail" aria-label={words.navigation}>
      <NavLink className="brand" to="/status" aria-label={words.name}>
        <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" fill="#1f5f8b" />
          <path
            d="M5 18h5l3-9 5 15 3.5-10 1.500 4h4"
            fill="none"
            stroke="#fff"
            strokeWidth="2.6"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
        <span className="word">{words.name}</span>
      </NavLink>
      {areas.map((area) => (
        <section key={area.title}>
          <h2>{area.title}</h2>
          <ul>
            {area.pages.map((page) => (
              <li key={page.path}>
                <NavLink to={page.path} title={isNarrow ? page.title : undefined}>
                  <Icon name={page.icon} />
                  <span className="word">{page.title}</span>
                </NavLink>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <div className="fold">
        <ActionIcon
          variant="subtle"
          size={30}
          aria-label={isNarrow ? words.unfold : words.fold}
          aria-pressed={isNarrow}
          onClick={() => change({ railIsNarrow: !isNarrow })}
        >
          <Icon name="fold" />
        </ActionIcon>
      </div>
    </nav>
  );
}

function Bar({ onOpen }: { onOpen: (what: "palette" | "keys" | "settings") => void }) {
  const boot = useBoot().data;
  const live = useLive();
  const look = { live: "ok", paused: "quiet", stale: "bad" }[live.state];
  return (
    <header className="bar">
      <span className="where small">{boot?.externalUrl.replace(/^https?:\/\//, "")}</span>
      {boot?.me.isReadOnly && (
        <span className="state warn" title={words.readOnlyHint}>
          {words.readOnly}
        </span>
      )}
      <span className="dim small who" title={boot?.me.user ? undefined : words.nobodyHint}>
        {boot?.me.user ?? words.nobody}
      </span>
      <button
        type="button"
        title={`${live.isListening ? words.listens : words.asks} ${words.liveHint}`}
        className={`state live ${look}`}
        onClick={live.toggle}
        aria-pressed={live.state === "paused"}
      >
        <Icon name={live.state === "paused" ? "pause" : live.state === "stale" ? "warn" : "play"} size={12} />
        {words.live[live.state]}
      </button>
      <Button
        size="compact-md"
        variant="default"
        aria-label={words.palette.open}
        leftSection={<Icon name="search" />}
        onClick={() => onOpen("palette")}
      >
        <span className="word-wide">{words.palette.open}</span>
      </Button>
      <Notices />
      <ActionIcon variant="subtle" size={32} aria-label={words.keys.title} onClick={() => onOpen("keys")}>
        <Icon name="keys" />
      </ActionIcon>
      <ActionIcon variant="subtle" size={32} aria-label={words.settings.open} onClick={() => onOpen("settings")}>
        <Icon name="settings" />
      </ActionIcon>
    </header>
  );
}

const skewMs = 10_000;

function Banners() {
  const boot = useBoot();
  const live = useLive();
  const now = useNow();
  const isStarting = boot.data !== undefined && !boot.data.isReady;
  const replay = useGet("/api/v1/status/walreplay", {}, { enabled: isStarting, live: true }).data?.data;
  const served = boot.data?.now;
  const askedAt = boot.dataUpdatedAt;
  const skew = served === undefined ? 0 : askedAt - Date.parse(served);
  useEffect(() => setSkew(Math.abs(skew) > skewMs ? skew : 0), [skew]);
  return (
    <>
      {live.state === "stale" && (
        <div className="banner bad" role="alert">
          <Icon name="warn" />
          {words.stale(text.time.ago(shortDuration(Math.max(0, Date.now() - live.heardAt + now * 0))))}
          <Button size="compact-sm" variant="default" onClick={live.askNow}>
            {words.askNow}
          </Button>
        </div>
      )}
      {isStarting && (
        <div className="banner warn" role="status">
          <Icon name="wait" />
          {replay && replay.max > 0 && replay.current < replay.max
            ? words.replay(replay.current, replay.max)
            : words.notReady}
        </div>
      )}
      {Math.abs(skew) > skewMs && (
        <div className="banner warn" role="status">
          <Icon name="wait" />
          {words.skew(shortDuration(Math.abs(skew)))}
        </div>
      )}
    </>
  );
}
