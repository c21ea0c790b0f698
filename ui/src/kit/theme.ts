// Mantine's theme on our own colours.
import { createTheme, type MantineColorsTuple } from "@mantine/core";
import { text } from "../text";

const blue: MantineColorsTuple = [
  "#e5eff7",
  "#cfe1ef",
  "#a5cbe5",
  "#79bbea",
  "#5a9fd0",
  "#3f86b8",
  "#2c709f",
  "#1f5f8b",
  "#184d72",
  "#103a57",
];

/** The cross of what opens over the page has no word of its own. */
const closes = { defaultProps: { closeButtonProps: { "aria-label": text.close } } };

export const theme = createTheme({
  primaryColor: "blue",
  colors: { blue },
  primaryShade: { light: 7, dark: 6 },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif',
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "19px" },
  defaultRadius: 6,
  cursorType: "pointer",
  respectReducedMotion: true,
  components: { Modal: closes, Drawer: closes },
});
