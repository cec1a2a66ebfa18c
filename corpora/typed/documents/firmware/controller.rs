//! Decides when to heat.

/// How far the temperature may pass the wanted one while the thermostat learns, in tenths of a kelvin.
pub const MAX_OVERSHOOT: i32 = 10;

/// Switchings of an hour after which the relay is spared.
pub const MOST_SWITCHINGS: u32 = 60;

/// Whatever makes warm: a relay, a valve, or a lamp in the tests.
pub trait HeatSource {
    /// Switches on or off.
    fn switch(&mut self, on: bool);

    /// True if it draws current.
    fn is_on(&self) -> bool;
}

/// What went wrong, with its code on the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Fault {
    MainsLow = 141,
    ReferenceNotSettled = 149,
    DriverShort = 419,
    SinkHot = 491,
    SwitchedTooOften = 499,
    ProbeOpen = 519,
    ProbeShorted = 591,
    Implausible = 599,
}

/// The range around the wanted temperature within which nothing is switched.
#[derive(Debug, Clone, Copy)]
pub struct NeutralZone {
    /// Below it the heat goes on.
    pub lower: i32,
    /// Above it the heat goes off.
    pub upper: i32,
}

impl NeutralZone {
    /// A zone of `width` tenths around `wanted`.
    pub fn around(wanted: i32, width: i32) -> Self {
        Self { lower: wanted - width / 2, upper: wanted + width / 2 }
    }
}

/// Holds a chamber at its temperature.
pub struct ChamberController<H: HeatSource> {
    source: H,
    zone: NeutralZone,
    switchings: u32,
}

impl<H: HeatSource> ChamberController<H> {
    pub fn new(source: H, zone: NeutralZone) -> Self {
        Self { source, zone, switchings: 0 }
    }

    /// Called for each reading, in tenths of a degree.
    pub fn take_reading(&mut self, tenths: i32) -> Result<(), Fault> {
        let wanted = apply_zone(self.zone, tenths, self.source.is_on());
        if wanted != self.source.is_on() {
            self.source.switch(wanted);
            self.switchings += 1;
        }
        if self.source.is_on() != wanted {
            return Err(Fault::DriverShort);
        }
        if self.switchings > MOST_SWITCHINGS {
            return Err(Fault::SwitchedTooOften);
        }
        Ok(())
    }

    /// Called each hour.
    pub fn forget_switchings(&mut self) {
        self.switchings = 0;
    }
}

/// True if the heat is to be on: within the zone it stays as it is.
fn apply_zone(zone: NeutralZone, tenths: i32, is_on: bool) -> bool {
    if tenths < zone.lower {
        true
    } else if tenths > zone.upper {
        false
    } else {
        is_on
    }
}
