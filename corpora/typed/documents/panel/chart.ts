// Draws the readings of the last hour.

import { formatReading, PanelReading, ReadingLog } from "./readings";

const WIDTH = 720;
const HEIGHT = 240;

/** Follows a ReadingLog and draws each PanelReading of it. */
export function drawChart(canvas: HTMLCanvasElement, log: ReadingLog): void {
  const context = canvas.getContext("2d");
  if (context === null) {
    throw new Error("this browser cannot draw");
  }
  log.follow((reading: PanelReading) => {
    const hour = log.last(3600);
    context.clearRect(0, 0, WIDTH, HEIGHT);
    context.beginPath();
    hour.forEach((each: PanelReading, at: number) => {
      context.lineTo((at / 3600) * WIDTH, scale(each, hour));
    });
    context.stroke();
    // formatReading says the unit, so that no label needs it.
    context.fillText(formatReading(reading), 8, 16);
    context.fillText(`lowest ${formatReading(extreme(hour, -1))}, highest ${formatReading(extreme(hour, 1))}`, 8, 32);
  });
}

/** The lowest PanelReading for -1, the highest PanelReading for 1. */
function extreme(readings: PanelReading[], direction: 1 | -1): PanelReading {
  return readings.reduce((best, each) => ((each.tenths - best.tenths) * direction > 0 ? each : best));
}

function scale(reading: PanelReading, readings: PanelReading[]): number {
  const low = extreme(readings, -1).tenths;
  const span = Math.max(1, extreme(readings, 1).tenths - low);
  return HEIGHT - ((reading.tenths - low) / span) * HEIGHT;
}
