"""What goes wrong while something is done."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.payments.bank import ACCIDENTS, Accident


@dataclass(frozen=True)
class Weather:
    """What goes wrong with the calls of one act, and after how many steps the process dies."""

    accidents: tuple[Accident, ...] = ()
    fuse: int | None = None

    @property
    def is_fair(self) -> bool:
        return not self.accidents and self.fuse is None


ACCIDENT = st.lists(st.sampled_from(ACCIDENTS), max_size=3).map(tuple)
WEATHER = st.one_of(
    st.just(Weather()),
    st.builds(Weather, accidents=ACCIDENT),
    st.builds(Weather, fuse=st.integers(0, 14)),
    st.builds(Weather, accidents=ACCIDENT, fuse=st.none() | st.integers(0, 30)),
)
