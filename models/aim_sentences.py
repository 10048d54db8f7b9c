"""What an aim of an ordered list pushes, as a sentence in Chinese and English."""

from __future__ import annotations

from models.aim import OrderedAim, Push
from models.exact import exact_text
from models.metadata import Labels, read_labels
from models.programme import Programme
from models.sentences import PlaceWords, Wording, with_unit


def aim_sentence(
    aim: OrderedAim, programme: Programme, lang: str, labels: Labels | None = None
) -> str:
    """An aim and what it may give up, in one language."""
    wording = Wording(programme, labels or read_labels(programme), lang)
    return _pushed(aim, wording) + _given(aim, wording)


def stage_sentence(aim: OrderedAim, push: Push, programme: Programme, lang: str) -> str:
    """What one stage of an aim pushes, where the aim has several."""
    wording = Wording(programme, read_labels(programme), lang)
    if push.stage == "touched":
        plural = wording.plural()
        return wording.say("变动的县（市、区）尽量少", f"as few {plural} touched as can be")
    if push.stage == "level" and push.rank:
        text = wording.say(
            "前{}组之后最低的一组尽量高", "the least but for the first {} groups raised"
        )
        return text.format(push.rank)
    return _pushed(aim, wording)


def _given(aim: OrderedAim, wording: Wording) -> str:
    give = aim.give
    if give.share is not None:
        text = f"{exact_text(give.share * 100)}%"
    elif give.amount:
        text = with_unit(exact_text(give.amount), give.unit)
        text = text.replace(" ", "") if wording.lang == "zh" else text
    else:
        return ""
    return wording.say(f"；可为后列目标让出{text}", f"; may give up {text} to the aims after it")


def _pushed(aim: OrderedAim, wording: Wording) -> str:
    say = wording.say
    if aim.weights is not None:
        return _weighted(aim, wording)
    if aim.nearest is not None:
        return _near(aim, wording)
    if aim.raise_least is not None:
        named = _measured(aim, aim.raise_least, wording)
        levels = say(f"，逐层抬高{aim.levels}层", f", {aim.levels} levels of it")
        return (
            say("最低的", "the least of ")
            + named
            + say("尽量高", " as high as can be")
            + (levels if aim.levels > 1 else "")
        )
    if aim.spread is not None:
        pieces = say("、", ", ").join(
            say(
                f"至{exact_text(piece.up_to)}每单位计{exact_text(piece.worth)}分",
                f"{exact_text(piece.worth)} a unit up to {exact_text(piece.up_to)}",
            )
            for piece in aim.spread
        )
        named = _measured(aim, "amount", wording)
        return say(
            f"{named}的效用之和尽量大（{pieces}）", f"the utility of {named} spread ({pieces})"
        )
    name = aim.maximise or aim.minimise or ""
    what = say("安排资金", "money spent") if name == "amount" else wording.metric(name)
    if aim.maximise:
        return say(f"{what}尽量多", f"as much {what} as can be")
    return say(f"{what}尽量少", f"as little {what} as can be")


def _weighted(aim: OrderedAim, wording: Wording) -> str:
    named = wording.say("、", ", ").join(
        f"{wording.metric(name)} {exact_text(weight)}" for name, weight in aim.metrics.items()
    )
    scaled = aim.normalise == "baseline"
    by = wording.say("，各除以基准的产出", ", each over the baseline's own") if scaled else ""
    return wording.say(
        f"综合指数（权重：{named}{by}）尽量高",
        f"the index as high as can be (weights: {named}{by})",
    )


def _near(aim: OrderedAim, wording: Wording) -> str:
    assert aim.nearest is not None
    known = {
        "baseline": wording.say("因素法基准", "the baseline"),
        "last_year": wording.say("上年安排数", "last year's amounts"),
    }
    table = known.get(aim.nearest.known or "", aim.nearest.file or "")
    county = aim.by == "county" or (aim.by is None and aim.nearest.known == "last_year")
    by = wording.say("按县合计", "by county") if county else wording.say("按县×工作", "by cell")
    return wording.say(
        f"与{table}相差的资金尽量少（{by}），再使变动的县（市、区）尽量少",
        f"as little money as can be that differs from {table} ({by}), then as few "
        f"{wording.plural()} touched",
    )


def _measured(aim: OrderedAim, measure: str, wording: Wording) -> str:
    """A measure by group, per head, with what each has already."""
    place = PlaceWords(wording, aim.where, aim.per, "each")
    named = wording.measured(measure, aim.per_head, place)
    if aim.plus is not None:
        label = wording.labels.column(aim.plus.column, wording.lang)
        named += wording.say(f"（加已有的“{label}”）", f' (with "{label}" that is there already)')
    if wording.lang == "en" and place.groups_en():
        named += f" {place.groups_en()}"
    return named
