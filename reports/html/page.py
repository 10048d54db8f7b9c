"""report.html: one self-contained page, readable without JavaScript, fit for paper.

It is made from a solution and the manifest of its record, so that a solve and a later `report` on
its record give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from models.record.manifest import Manifest, in_fours
from models.scenario import Scenario
from models.solution import Solution
from reports.catalogue import glossary
from reports.documents import price_list as prices
from reports.html import allowed, answer, charts, environment, language_tag, raw
from reports.html import charts as tiles
from reports.html import paper_section as papers
from reports.html import rule_section as rules
from reports.view import county_table as counties
from reports.view import remarks
from reports.view.aim_view import aim_grid
from reports.view.allocation_view import is_large
from reports.view.grounds_view import assumptions, facts
from reports.view.mover_table import mover_grids
from reports.view.page_model import PageModel, page_model, per_head
from reports.view.stability_view import stability_section

if TYPE_CHECKING:
    from models.stability_points import StabilityCurve


def report_html(
    solution: Solution,
    manifest: Manifest,
    lang: str,
    named: Sequence[str] = (),
    curve: StabilityCurve | None = None,
) -> bytes:
    """The page in one language; `named` are the counties whose response curves it shows, `curve`
    what moving less money costs, where the solution itself does not say.

    Raises `InputError` for a county that is not known, and for files of the programme that are
    shown only (labels, tiles, sources) and cannot be used.
    """
    model = page_model(solution, lang)
    script, style = (Markup(raw(name)) for name in ("page.js", "page.css"))
    text = (
        environment()
        .get_template("report.html.j2")
        .render(
            model=model,
            words=model.words,
            lang=language_tag(lang),
            script=script,
            style=style,
            allowed=allowed(style, script),
            stability=stability_section(curve or solution.curve, solution.scenario, model.words),
            **_parts(model, manifest, named),
        )
    )
    return text.encode()


def _parts(model: PageModel, manifest: Manifest, named: Sequence[str]) -> dict[str, Any]:
    """What the template fills in, part by part."""
    scenario, lang = model.solution.scenario, model.words.lang
    return {
        "programme": scenario.programme.file.title.of(lang),
        "scenario": scenario.spec.title.of(lang),
        "name": scenario.name,
        "created": manifest.created[:10],
        "fingerprint": in_fours(manifest.fingerprint),
        "changes": remarks.changes(scenario, model.words),
        "alarms": remarks.alarms(model.view, model.solution.audit),
        "cards": answer.cards(model),
        "outcomes": answer.outcome_rows(model),
        "index_notes": answer.index_notes(model),
        "aims": aim_grid(model.solution, model.words),
        "notes": answer.notes(model),
        "blocks": rules.rule_blocks(model),
        "disabled": rules.disabled_rules(model),
        "counted": rules.counts(model),
        "listed_only": rules.listed_only,
        "prices": prices.rule_prices(model),
        "tables": counties.county_tables(model),
        "large": is_large(scenario),
        "moved": mover_grids(model),
        "kept": [name for name in manifest.files if name.endswith(".csv") and "/" not in name],
        "map": tiles.tile_map(model),
        "task_bars": charts.task_bars(model),
        "group_bars": charts.group_bars(model),
        "spread": charts.money_spread(model),
        "grouping": model.labels.column(model.labels.group_by or "", lang),
        "per_head": per_head(model),
        "metrics": [metric.title.of(lang) for metric in scenario.programme.file.metrics],
        "curves": charts.county_curves(model, named),
        "plans": papers.calendar(model),
        "quarters": papers.QUARTERS,
        "assumptions": assumptions(model),
        "facts": facts(model),
        "record": papers.record_lines(model, manifest),
        "solver": papers.solver_notes(model),
        "glossary": _terms_of(scenario),
        "hashes": papers.hashes(manifest),
        "signers": papers.signers(model),
    }


def _terms_of(scenario: Scenario) -> list[Mapping[str, Any]]:
    """The terms that a page explains: those of outcomes only where there are metrics."""
    has_metrics = bool(scenario.programme.metrics)
    return [one for one in glossary() if has_metrics or not one.get("outcomes")]
