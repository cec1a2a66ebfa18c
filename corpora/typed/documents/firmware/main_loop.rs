//! Reads, heats, shows: once a second, for ever.

use crate::controller::{ChamberController, Fault, HeatSource, NeutralZone, MAX_OVERSHOOT};
use crate::segment_driver::{DisplayError, SegmentDriver};

/// What the loop needs: a SegmentDriver for the display and a HeatSource for the chamber.
pub struct Parts<H: HeatSource> {
    pub display: SegmentDriver,
    pub source: H,
    pub wanted: i32,
}

/// Runs until the mains goes. The SegmentDriver shows each reading, or the code of a Fault.
pub fn run<H: HeatSource>(mut parts: Parts<H>, mut read: impl FnMut() -> Result<i32, Fault>) -> ! {
    let zone = NeutralZone::around(parts.wanted, 8);
    let learning = NeutralZone::around(parts.wanted - MAX_OVERSHOOT, 8);
    let mut controller = ChamberController::new(parts.source, learning);
    let mut seconds = 0u32;
    loop {
        let shown = match read().and_then(|tenths| controller.take_reading(tenths).map(|()| tenths)) {
            Ok(tenths) => show(&mut parts.display, tenths),
            Err(fault) => show_fault(&mut parts.display, fault),
        };
        if shown == Err(DisplayError::LatchStuck) {
            // A SegmentDriver whose latch sticks is written again: shift_out is harmless twice.
            let _ = parts.display.refresh();
        }
        seconds += 1;
        if seconds % 3600 == 0 {
            controller.forget_switchings();
        }
        if seconds == 3600 {
            controller = controller.with_zone(zone);
        }
        crate::clock::wait_for_second();
    }
}

fn show(display: &mut SegmentDriver, tenths: i32) -> Result<(), DisplayError> {
    display.show_tenths(tenths)
}

/// Faults are numbers of four digits, so that a SegmentDriver can show them like a temperature.
fn show_fault(display: &mut SegmentDriver, fault: Fault) -> Result<(), DisplayError> {
    display.show_tenths(fault as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lamp(bool);

    impl HeatSource for Lamp {
        fn switch(&mut self, on: bool) {
            self.0 = on;
        }

        fn is_on(&self) -> bool {
            self.0
        }
    }

    #[test]
    fn a_lamp_is_a_heat_source() {
        let mut controller = ChamberController::new(Lamp(false), NeutralZone::around(370, 8));
        controller.take_reading(300).unwrap();
        controller.take_reading(380).unwrap();
        assert_eq!(NeutralZone::around(370, 8).upper, 374);
        assert!(MAX_OVERSHOOT >= 374 - 370);
    }
}
