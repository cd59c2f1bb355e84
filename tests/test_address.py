import copy
import pickle
from pathlib import Path

import pytest
from sklearn import clone, set_config
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from metalearn._address import Address, guarded, shown, without_passwords
from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor

SECRETS = {
    "postgresql://ana:s3cret@host/team": "postgresql://ana:***@host/team",
    "postgresql+psycopg://ana:s3cret/x@y:5432/team?sslmode=require": "postgresql+psycopg://ana:***@y:5432/team?sslmode=require",
    "postgresql://ana:s3@cret@host/team": "postgresql://ana:***@host/team",
    "postgresql://host/team?user=ana&password=s3cret": "postgresql://host/team?user=ana&password=***",
    "postgresql://host/team?sslpassword=s3cret&sslmode=require": "postgresql://host/team?sslpassword=***&sslmode=require",
    "postgresql://:s3cret@host/team": "postgresql://:***@host/team",
}
PLAIN = (
    "team/",
    "sqlite:///team.db",
    "postgresql://ana@host/team",
    "C:\\team",
    "~/a@b:c",
    "postgresql://host:5432/team",
    "",
)


@pytest.mark.parametrize(("address", "plain"), SECRETS.items())
def test_passwords_are_hidden_wherever_they_stand(address: str, plain: str) -> None:
    assert shown(address) == plain
    assert repr(guarded(address)) == repr(plain)
    assert guarded(address) == address
    assert "s3cret" not in without_passwords(f"could not parse '{address}', sorry") or "s3@" in address


@pytest.mark.parametrize("address", PLAIN)
def test_what_has_no_password_is_left_alone(address: str) -> None:
    assert shown(address) == address
    assert guarded(address) is address
    assert guarded([address, Path("a")]) == [address, Path("a")]


def test_a_guarded_address_survives_copies() -> None:
    address = guarded(next(iter(SECRETS)))
    for again in (copy.deepcopy(address), pickle.loads(pickle.dumps(address))):
        assert isinstance(again, Address)
        assert str.__str__(again) == address
    both = [address, "team/"]
    assert guarded(both) is both
    assert "s3cret" not in repr(guarded(["team/", next(iter(SECRETS))]))


@pytest.mark.parametrize("kind", [MetaLearnClassifier, MetaLearnRegressor])
@pytest.mark.parametrize("address", SECRETS)
def test_estimators_show_no_password(kind: type, address: str) -> None:
    model = kind(knowledge_base=["bundled", address], record_to=address)
    later = kind().set_params(record_to=address)
    later.knowledge_base = address
    for one in (model, later, clone(model), copy.deepcopy(later)):
        assert one.record_to == address
        for holder in (one, make_pipeline(StandardScaler(), one)):
            with_html = holder._repr_html_() if hasattr(holder, "_repr_html_") else ""
            for text in (repr(holder), str(holder), f"{holder}", with_html):
                assert "s3" not in text
    set_config(print_changed_only=False)
    try:
        assert "s3" not in repr(model)
    finally:
        set_config(print_changed_only=True)
