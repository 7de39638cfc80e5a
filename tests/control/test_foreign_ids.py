"""What is another organisation's is not there: the same words as for what nobody has, and nothing changed."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.http.endpoint import Endpoint
from bursar.kit.permissions import OF_KEYS
from tests.control.house import House, Reply
from tests.control.makers import FOR_ALL, MAKERS, NOBODY, NOBODYS, WITH_A_MODE, body_for, filled, naming_part


def with_ids(house: House) -> list[Endpoint]:
    return [endpoint for endpoint in house.endpoints if "{" in endpoint.path and naming_part(endpoint.path) in MAKERS]


def test_every_address_with_an_id_has_a_maker_or_a_reason(house: House) -> None:
    named = {naming_part(endpoint.path) for endpoint in house.endpoints if "{" in endpoint.path}
    assert named - MAKERS.keys() - FOR_ALL.keys() == set(), "add how to make one to tests/control/makers.py"
    assert (MAKERS.keys() | FOR_ALL.keys()) - named == set(), "no address names these any more"


def test_whoever_owns_it_gets_past_the_name(house: House) -> None:
    """Or else the test below would compare one mistake with another."""
    found = []
    for endpoint in with_ids(house):
        owner = house.merchant("Its owner")
        values = MAKERS[naming_part(endpoint.path)](owner)
        reply = owner.call(endpoint.method, filled(endpoint.path, values), body_for(endpoint))
        if reply.status == 404 or reply.error.get("code") in ("parameter_unknown", "parameter_missing"):
            found.append(f"{endpoint.method} {endpoint.path}: {reply.status} {reply.json}")
    assert found == []


def test_a_foreign_id_is_answered_like_one_that_nobody_has_and_changes_nothing(house: House) -> None:
    we, they = house.merchant("Ours"), house.merchant("Theirs")
    made = {part: maker(they) for part, maker in MAKERS.items()}
    before = house.rows_of(they.org_id)
    found = []
    for endpoint in with_ids(house):
        values = made[naming_part(endpoint.path)]
        nobodys = {name: NOBODYS.get(name, NOBODY) for name in values}
        foreign = we.call(endpoint.method, filled(endpoint.path, values), body_for(endpoint))
        nobody = we.call(endpoint.method, filled(endpoint.path, nobodys), body_for(endpoint))
        told = f"{endpoint.method} {endpoint.path}: "
        if (foreign.status, nobody.status) != (404, 404):
            found.append(f"{told}{foreign.status} for a foreign id, {nobody.status} for nobody's: {foreign.json}")
        elif _words(foreign, values) != _words(nobody, nobodys):
            found.append(f"{told}{foreign.json} is not {nobody.json}")
        if (after := house.rows_of(they.org_id)) != before:
            found.append(f"{told}it changed what is theirs")
            before = after
    assert found == []


def test_an_owner_of_one_organisation_who_holds_a_key_of_it_sees_no_other_by_it(house: House) -> None:
    """The same by API key, where keys may."""
    we, they = house.merchant("Ours"), house.merchant("Theirs")
    found = []
    for endpoint in with_ids(house):
        if endpoint.permission not in OF_KEYS:
            continue
        values = MAKERS[naming_part(endpoint.path)](they)
        reply = house.call(endpoint.method, filled(endpoint.path, values), we.secret_key, body_for(endpoint))
        if reply.status != 404:
            found.append(f"{endpoint.method} {endpoint.path}: {reply.status} {reply.json}")
    assert found == []


# A session may be over when the next page is asked for, so a cursor is only a place in time there.
CURSORS_IN_TIME = {"/api/v1/auth/sessions"}


def test_a_foreign_cursor_is_answered_like_one_that_nobody_has(house: House) -> None:
    we, they = house.merchant("Ours"), house.merchant("Theirs")
    found, tried = [], 0
    for endpoint in house.endpoints:
        maker = next((MAKERS[part] for part in MAKERS if part.rpartition("/")[0] == endpoint.path), None)
        if endpoint.method != "GET" or maker is None or endpoint.path in CURSORS_IN_TIME:
            continue
        for cursor in sorted({"starting_after", "ending_before"} & set(endpoint.params.__struct_encode_fields__)):
            (foreign,) = maker(they).values()
            replies = [we.call("GET", f"{endpoint.path}?{cursor}={of}") for of in (foreign, NOBODY)]
            words = [_words(reply, {"id": of}) for reply, of in zip(replies, (foreign, NOBODY), strict=True)]
            tried += 1
            if [reply.status for reply in replies] != [404, 404] or words[0] != words[1]:
                found.append(f"{endpoint.path}?{cursor}: {replies[0].json}, {replies[1].json}")
    assert found == []
    assert tried >= 8


def test_what_one_mode_has_is_not_there_in_the_other(house: House) -> None:
    found = []
    person = house.merchant("Two modes")
    made = {part: MAKERS[part](person) for part in sorted(WITH_A_MODE)}
    for endpoint in with_ids(house):
        if naming_part(endpoint.path) not in WITH_A_MODE:
            continue
        path = filled(endpoint.path, made[naming_part(endpoint.path)])
        reply = person.call(endpoint.method, path, body_for(endpoint), headers={"Bursar-Mode": "live"})
        if reply.status != 404:
            found.append(f"{endpoint.method} {endpoint.path}: {reply.status} {reply.json}")
    assert found == []


def _words(reply: Reply, values: Mapping[str, str]) -> str:
    """The answer without what was asked for."""
    text = str(reply.json)
    for value in values.values():
        text = text.replace(value, "")
    return text
