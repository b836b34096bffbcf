"""The written-out best response: what is played is what stands in the table; leaving and disobedience are told."""

import pytest

import dynmech as dm

ECONOMIES = [
    ("oil-leases-prior", "cremer-mclean"),
    ("repeated-auction:values=3,horizon=3", "pay-your-report"),
    ("repeated-auction:values=3,discount=0.5", "pay-your-report"),
    ("random:seed=3,agents=2,signals=3,horizon=3", "team"),
]


@pytest.mark.parametrize(("where", "mechanism"), ECONOMIES)
def test_what_is_played_stands_in_the_table(where: str, mechanism: str) -> None:
    """Every message of a simulated best response is looked up by what its player knew."""
    audit = dm.audit(where, mechanism)
    who = audit.policy["agent"].iloc[0]
    played = dm.simulate(where, mechanism, {who: audit.witness}, episodes=200, tail=0.01).outcomes()
    played = played.astype({"signal": str, "report": str, "decision": str})
    own = played[played["agent"] == who].set_index(["episode", "period"])
    others = played[played["agent"] != who]
    said = others.assign(text=others["agent"].astype(str) + " " + others["counted"].astype(str))
    public = said.groupby(["episode", "period"])["text"].agg(", ".join)
    table: dict[tuple[object, ...], set[str]] = {}
    for row in audit.policy.to_dict("records"):
        known = (row["period"], row["signal"], row["last_signal"], row["public"].partition(", memory")[0])
        table.setdefault((*known, row["reported"]), set()).add(row["message"])
    looked_up = 0
    for (episode, period), row in own.iterrows():
        if row["report"] in ("-", "nan", "None"):
            continue
        key: tuple[object, ...]
        if period == 0:
            key = (0, row["signal"], "", "", "")
        else:
            past = own.loc[(episode, period - 1)]
            shown = period if audit.environment.horizon is not None else "1 or later"
            seen = f"{public.loc[(episode, period - 1)]}, decision {past['decision']}"
            key = (shown, row["signal"], past["signal"], seen, past["report"])
        found = {k: v for k, v in table.items() if k[:4] == key[:4] and str(key[4]) in str(k[4]).split(" or ")}
        if period == 0:
            found = {key: table[key]}
        assert row["report"] in set().union(*found.values()), (episode, period, key)
        looked_up += 1
    assert looked_up > 150


def test_disobedience_stands_there_too() -> None:
    audit = dm.audit("trading-game:variant=hidden-investment", "pay-your-report")
    assert audit.figures[-1].gain > 0.1
    acts = audit.policy.set_index("period")["act"]
    assert acts.loc[0] == "disobeys after some reports"
    assert set(dm.audit("oil-leases-prior", "cremer-mclean").policy["act"]) == {""}


def test_where_nobody_gains_it_is_empty() -> None:
    audit = dm.audit("oil-leases-prior", "linked")
    assert len(audit.policy) == 0
    assert audit.to_dict()["policy"] is None


def test_where_leaving_pays_the_table_ends_with_it() -> None:
    """A hit and run before a contingent transfer falls due."""
    audit = dm.audit("random:seed=1,agents=2,signals=3,horizon=3", "contingent-spanning", exit=True)
    assert (audit.policy["message"] == "leave").any()
    assert audit.to_dict()["policy"] is not None


def test_a_witness_says_who_plays_what() -> None:
    found = dm.audit("oil-leases-prior", "cremer-mclean")
    said = "<best-response of firm 1 under cremer-mclean on oil-leases-prior, "
    assert repr(found.witness) == f"{said}interim>"
    assert repr(found.deviation("firm 1", information="ex_post")) == f"{said}ex post>"
