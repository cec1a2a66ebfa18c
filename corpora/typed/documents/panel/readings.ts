// Readings of the thermostat as the panel keeps and shows them.

/** A reading as it comes from the socket at the back. */
export interface PanelReading {
  /** Seconds since the thermostat was switched on. */
  second: number;
  /** Tenths of a degree. */
  tenths: number;
  heating: boolean;
}

/** How many readings the thermostat itself can keep. */
export const LOG_ROOM = 24 * 60 * 60;

export type Listener = (reading: PanelReading) => void;

/** The last readings, the oldest first. */
export class ReadingLog {
  private readings: PanelReading[] = [];
  private listeners: Listener[] = [];

  add(reading: PanelReading): void {
    this.readings.push(reading);
    if (this.readings.length > LOG_ROOM) {
      this.readings.shift();
    }
    for (const listener of this.listeners) {
      listener(reading);
    }
  }

  follow(listener: Listener): void {
    this.listeners.push(listener);
  }

  last(count: number): PanelReading[] {
    return this.readings.slice(-count);
  }
}

/** The temperature with one decimal and a real minus sign. */
export function formatReading(reading: PanelReading): string {
  const sign = reading.tenths < 0 ? "\u2212" : "";
  const tenths = Math.abs(reading.tenths);
  return `${sign}${Math.floor(tenths / 10)}.${tenths % 10} °C`;
}
