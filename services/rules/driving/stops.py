"""Where a vehicle stands: whether fixes are of one stop, before a silence and after it."""

from services.compiled import Row, Whole, inlined
from services.rules.driving.timeline import STOPPED, mark
from services.rules.geometry import within

ODOMETER_M = 1000
"""So much the odometer may grow over a silence in which the vehicle stood; one that went back is another odometer."""


@inlined
def found_again(ledger: Row, fix: Row, odometer_m: Whole, radius_m: float) -> bool:
    """Whether a vehicle heard of again after a silence is where it was, by position and by what the odometer grew meanwhile."""
    if odometer_m > ODOMETER_M:
        return False
    if ledger.stop:
        return within(ledger.centre_lon_e7, ledger.centre_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)
    return within(ledger.latest_lon_e7, ledger.latest_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)


@inlined
def settle_stray(ledger: Row, fix: Row, params: Row) -> None:
    """The fix after one that lay out of the radius says what that was: a stray one that spoils nothing, or the end of the proof."""
    if ledger.stray_ms == 0:
        return
    back = within(ledger.centre_lon_e7, ledger.centre_lat_e7, fix.lon_e7, fix.lat_e7, params.rest_radius_m)
    if not back or fix.time_ms - ledger.stray_ms > params.stray_ms:
        ledger.spoiled = 1
    ledger.stray_ms = 0


@inlined
def at_stop(ledger: Row, fix: Row, moving: bool, radius_m: float) -> bool:
    """Whether a fix lies where the stop is: a lone still fix does, a moving one without any near the latest moving one."""
    if ledger.stop:
        return within(ledger.centre_lon_e7, ledger.centre_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)
    return not moving or within(ledger.latest_lon_e7, ledger.latest_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)


@inlined
def rest_due(ledger: Row, fix: Row, moving: bool, params: Row) -> bool:
    """Whether this fix, heard without a silence before it, completes a proven rest."""
    if ledger.running == 0 or ledger.spoiled or fix.time_ms - ledger.latest_ms < params.min_rest_ms:
        return False
    return at_stop(ledger, fix, moving, params.rest_radius_m)


@inlined
def stand(ledger: Row, fix: Row, silent: bool, radius_m: float) -> None:
    """A still fix."""
    if ledger.stop == 0:
        ledger.stop = 1
        ledger.centre_lon_e7 = fix.lon_e7
        ledger.centre_lat_e7 = fix.lat_e7
        if ledger.running:
            mark(ledger, fix.time_ms if silent or ledger.last_ms == 0 else ledger.latest_ms, STOPPED)
    elif not within(ledger.centre_lon_e7, ledger.centre_lat_e7, fix.lon_e7, fix.lat_e7, radius_m):
        ledger.stray_ms = ledger.last_ms
