"""What is said of mistakes: every sentence has its Chinese, and that is what a user meets."""

from __future__ import annotations

import itertools
import re

import pytest

from models.errors import InputProblem, did_you_mean
from reports.catalogue import MESSAGES, OF_DESK, OF_STUDY, OTHERS, Words, messages
from tests.source_tree import sentences, source_tree

ZH = Words("zh")
ELSEWHERE = (
    *(
        "models.sentences",
        "models.aim_sentences",
        "models.remedies",
        "models.solution",
    ),  # in both languages there
    *("optimizer.pulp_export", "optimizer.pulp_import"),  # a planner's own PuLP model
    "models.workbook.fund_words",  # in both languages there
    *("reports.excel", "reports.html", "reports.svg", "reports.notebook_charts"),  # styles
    *("reports.documents.comparison_csv", "reports.terminal"),  # heads and styles
    "optimizer.study.kept_results",  # statements to a database
    *("desk.guard", "desk.pages"),  # headers, styles and scripts
)
"""Modules without a sentence that only stands there in English and that a command can show."""
NAMES = {
    # What files and their columns are called, and what commands and the page call things.
    *(
        "fund{}",
        "name outside the grid",
        "allot record",
        "allot workbook",
        "allot study",
        "county code",
        "outside the grid",
    ),
    *("rule id", "metric id", "where the number stands", "repaired baseline", "bad input"),
    *(
        "--set {}",
        "--set {}={}",
        "replace {}",
        "fit: {}",
        "--rules {}: {}",
        "sources.yaml: {}",
        "rules: {}",
    ),
    "--sample {}",
    *(
        "--vary {}",
        "--sample {}",
        "--weight {}",
        "metric {}",
        "dask {}",
        "prices.csv {}",
        "stability.csv {} bound",
        "stability.csv {} worth",
        "point {}",
        "row '{}': {}",
        "cases[{}]",
        "rules.{}.chance",
        "kept: {}",
    ),
    *("allot {}", "allot (not installed)", "Value error, ", " without rules", "other than {}"),
    *("^Result - Optimal solution found\\s*$", "^Upper bound:\\s+(\\S+)"),
    # What stands in a file that is written.
    "changed for this run, without a source of its own",
    "; the source before: {source}",
    "not asked for, or no prices of the linear relaxation",
    "certificate-by-county.csv proves more, and the linear relaxation takes long",
    # What only Python asks for.
    *("Options, or its fields as keywords (gap=0.1)", " as {}=", "the path of a file or folder"),
    *("module 'allot' has no attribute '{}'", "it takes {}"),
    "a table without labels is never read by position; hand over the frame itself, "
    "Allocation.from_frame(frame, programme), or name its axes in their order: "
    "Allocation.of(array, programme, counties=[…], tasks=[…])",
    "the table is {} where its axes name {}",
    "a frame or a mapping is due here, not the text '{}'",
    "a list of two or more is due here, not {}",
    "is due with a scenario; or explain a solution",
    "{}, {} counties × {} tasks for {}",
    "Comparison of {} columns; reference {}",
    "Answers to {} changes of {}: {}",
    "; {} money units elsewhere",
    "a rule that counts cells needs their indicators",
    "a model that follows has the same columns and rows",
    "is not in the problem: it is of another scenario",
    "special ordered sets cannot be brought to whole units",
    "two variables have this name",
    # What a letter is barred from, and the first line of a file.
    "# allot desk / 本文件由测算台保存\n",
}
"""Words in the code that are no sentence to a user of the command line."""


@pytest.mark.slow
def test_every_sentence_of_the_code_has_its_chinese() -> None:
    bare = [
        f"{module}:{line}: {text!r}"
        for module, source in source_tree().items()
        if not module.startswith(ELSEWHERE)
        for text, line in sentences(source).items()
        if text not in messages() and text not in NAMES
    ]
    assert bare == [], f"a wording is due in {MESSAGES.name}, or a name in NAMES"


def test_a_sentence_without_its_chinese_is_seen_wherever_it_stands() -> None:
    told = 'said = f"{name} is odd"\ndef f():\n    """Not this one."""\n    refuse("", "", said)'
    assert sentences(told) == {"{} is odd": 1}
    assert sentences('add("", f"line {n}", "is " "wrong here")') == {
        "line {}": 1,
        "is wrong here": 1,
    }
    assert sentences('raise TypeError("only a programmer")\nx: Literal["a word"] = 1') == {}


@pytest.mark.slow
def test_no_chinese_of_the_programs_own_sentences_is_left_over() -> None:
    said = {text for source in source_tree().values() for text in sentences(source)}
    texts = (file.read_text("utf-8") for file in (MESSAGES, OF_DESK, OF_STUDY))
    own = "".join(re.split(r"^\w+:$", text, flags=re.MULTILINE)[1] for text in texts)
    listed = re.findall(r"^  ([\"'])(.+?)\1: ", own, re.MULTILINE)
    assert [text for _, text in listed if text not in said] == []
    assert len(listed) > 300


def test_messages_hold_to_gbk_and_fill_in_what_the_sentence_has() -> None:
    for english, chinese in messages().items():
        chinese.encode("gbk")
        if holes := english.count("{}"):
            assert chinese.format(*"".join(["x"] * holes))
    text = "".join(file.read_text("utf-8") for file in (MESSAGES, OF_DESK, OF_STUDY, OTHERS))
    keys = re.findall(r"^  ([\w ]+|([\"']).+?\2): ", text, re.MULTILINE)
    assert len(keys) == len({key for key, _ in keys}) == len(messages())


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            f"unknown rule 'flor'{did_you_mean('flor', ['floor'])}",
            "没有约束“flor”（是否指“floor”？）",
        ),
        ("unknown rule 'x'", "没有约束“x”"),
        ("unknown county 'a' (did you mean 'b' or 'c'?)", "没有县“a”（是否指“b”或“c”？）"),
        ("unknown value of area 'yi'", "没有列 area 的取值“yi”"),
        ("unknown column 'is missing'", "没有列“is missing”"),
        ("'x' is none of a, b (did you mean 'a'?)", "“x”不是可选值；可选：a, b（是否指“a”？）"),
        ("cannot be read (Permission denied)", "读不到：没有权限"),
        ("Input should be 'whole', 'exact' or 'none'", "应为“whole”、“exact”、“none”"),
        ("tier 2 of a × b stands here twice", "a × b 的第2档重复"),
        ("5 are locked in a, above the cap 3 of the rule 'r'", "a 锁定了 5，超过约束“r”的上限 3"),
        ("words that nobody wrote down", "words that nobody wrote down"),
    ],
)
def test_a_sentence_is_told_in_chinese_with_what_was_filled_in(english: str, chinese: str) -> None:
    assert ZH.told(english) == chinese
    assert Words("en").told(english) == english


def test_a_problem_says_its_place_in_chinese() -> None:
    one = InputProblem("counties.csv", "line 3: residents", "a number is due here, not 'many'")
    assert ZH.problem(one) == "counties.csv：第3行：residents：此处应填数，而不是“many”"
    assert Words("en").problem(one) == str(one)


def test_problems_in_one_line_are_told_one_by_one() -> None:
    why = "budget: a number is due here, not 'x'; rules.a.per: is a file; name a folder"
    assert ZH.reason(why) == "budget：此处应填数，而不是“x”；rules.a.per：是文件；请指定文件夹"
    assert ZH.reason("unheard of; is missing") == "unheard of; is missing"


def test_each_sentence_is_told_in_its_own_words_and_not_in_those_of_another() -> None:
    """Holes are filled with a word; those that take but the tail of a sentence with none."""
    mistaken = []
    for english, chinese in messages().items():
        parts = english.split("{}")
        for filling in itertools.product(["Zz9", ""], repeat=len(parts) - 1):
            text = "".join(itertools.chain(*zip(parts, [*filling, ""], strict=True)))
            due = chinese.format(*filling) if filling else chinese
            said = ZH.told(text)
            if said != text and said.replace(" ", "") == due.replace(" ", ""):
                break
        else:
            mistaken.append(english)
    assert mistaken == []
