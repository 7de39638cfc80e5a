"""Security codes between two requests."""

from bursar.kit.clock import ManualClock
from bursar.vault.codes import CODES_MAX, KEPT_SECONDS, RecentCodes


def test_a_code_is_handed_out_once() -> None:
    codes = RecentCodes(ManualClock())
    codes.put("pm_1", "123")
    assert codes.take("pm_1") == "123"
    assert codes.take("pm_1") is None


def test_a_code_is_forgotten_after_fifteen_minutes() -> None:
    clock = ManualClock()
    codes = RecentCodes(clock)
    codes.put("pm_1", "123")
    clock.advance(KEPT_SECONDS - 1)
    codes.put("pm_2", "456")
    clock.advance(1)
    assert codes.take("pm_1") is None
    assert codes.take("pm_2") == "456"


def test_expired_codes_leave_the_memory_when_another_comes() -> None:
    clock = ManualClock()
    codes = RecentCodes(clock)
    for number in range(100):
        codes.put(f"pm_{number}", "123")
    clock.advance(KEPT_SECONDS)
    codes.put("pm_new", "456")
    assert len(codes) == 1


def test_the_oldest_codes_make_room() -> None:
    codes = RecentCodes(ManualClock())
    for number in range(CODES_MAX + 1):
        codes.put(f"pm_{number}", "123")
    assert len(codes) == CODES_MAX
    assert codes.take("pm_0") is None
    assert codes.take(f"pm_{CODES_MAX}") == "123"


def test_its_text_shows_no_code() -> None:
    codes = RecentCodes(ManualClock())
    codes.put("pm_1", "123")
    assert "123" not in repr(codes)
