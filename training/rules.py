"""Hard rules beside the models: numbers, codes, names and negation of a sentence against its evidence; words of a question against a passage."""

import re

import text as T

NUMBER_WORDS = {word: str(number) for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())}
CODE = re.compile(r"(?<![\w-])(?=[\w./_-]*\d)(?=[\w./_-]*[A-Za-z_-])[A-Za-z0-9][\w./_-]*\w|--[\w-]+")
NEGATION = re.compile(r"\b(not|no|never|none|nobody|nothing|cannot|neither|nor|forbidden)\b|n't\b", re.I)


def numbers(text):
    """Numbers, with commas for thousands taken out, and small number words."""
    found = {one.replace(",", "").rstrip(".") for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    return found | {NUMBER_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in NUMBER_WORDS}


def codes(text):
    return {one.lower() for one in CODE.findall(text)}


CLAUSE = re.compile(r"(?<=[.!?])\s+|[;\n]+|, (?!\d)|\. (?=`)| (?:and|but|while|whereas|until) ")


def anchors(text):
    """Numbers, codes and names of a text with their kind."""
    found = [("code", match.group()) for match in CODE.finditer(text)]
    inside = " ".join(one for _, one in found)
    found += [("number", match.group()) for match in T.NUMBER.finditer(text) if match.group() not in inside]
    found += [("name", match.group()) for match in T.names(text, inner=False) if match.group() not in inside and match.group().lower() not in T.STOP]
    return found


def holds(clause, kind, anchor):
    if kind == "number":
        return anchor.replace(",", "") in numbers(clause)
    return re.search(rf"(?<![\w-]){re.escape(anchor.lower())}(?![\w-])", clause.lower()) is not None


def bound_elsewhere(claim, evidence):
    """True if what the claim says beside one of its numbers, codes or names stands in another clause, with another one of the same
    kind, and not beside this one: "HRN-1002 means blocked" where the evidence says so of HRN-1003."""
    parts = [part for part in CLAUSE.split(evidence) if part and part.strip()]
    whole = T.sentences(evidence)
    mine = anchors(claim)
    for kind, anchor in mine:
        rest = T.stems(claim) - T.stems(anchor)
        for _, other in mine:
            if other != anchor:
                rest -= T.stems(other)
        rest = {word for word in rest if not word.isdigit()}
        beside = [part for part in parts if holds(part, kind, anchor)]
        if not rest or not beside:
            continue
        held = set().union(*(rest & T.stems(part) for part in beside))
        for part in parts:
            if part in beside:
                continue
            rivals = [one for other, one in anchors(part) if other == kind and one.lower() != anchor.lower() and one not in claim]
            there = rest & T.stems(part)
            if rivals and held < there and len(there) * 2 >= len(rest):
                return True
    return False


def negated_otherwise(claim, evidence):
    """True if the clauses that share most words with the claim are negated and the claim is not, or the other way round."""
    wanted = {word for word in T.stems(claim) if not NEGATION.fullmatch(word)}
    parts = [part for part in re.split(r"(?<=[.!?;])\s+|\n+|, (?:and|but|while) | because ", evidence) if part and part.strip()]
    shared = [len(wanted & T.stems(part)) for part in parts]
    best = max(shared, default=0)
    if best * 2 < len(wanted) or not best:
        return False
    mine = len(NEGATION.findall(claim)) % 2
    return all(len(NEGATION.findall(part)) % 2 != mine for part, count in zip(parts, shared) if count == best)


def conflicts(claim, evidence):
    """The hard rules together."""
    return lacking(claim, evidence) or bound_elsewhere(claim, evidence) or negated_otherwise(claim, evidence)


def lacking(claim, evidence):
    """True if the claim has a number or code that the evidence lacks, or a name of which no word stands in the evidence."""
    wanted = {one.replace(",", "").rstrip(".") for one in re.findall(r"\d[\d,]*(?:\.\d+)?", claim)}
    if wanted - numbers(evidence):
        return True
    low = evidence.lower()
    if any(code not in low for code in codes(claim)):
        return True
    for match in T.names(claim):
        if not any(word.lower() in low for word in re.findall(r"\w+", match.group()) if word.lower() not in T.STOP):
            return True
    return False


def question_features(question, passage, answer):
    """Share of the question's words in the passage, in the answer's sentence; missing names and numbers; negation on one side only."""
    wanted = T.stems(question)
    low = passage.lower()
    place = passage.find(answer) if answer else -1
    sentence = ""
    for part in T.sentences(passage):
        if answer and answer in part:
            if len(wanted & T.stems(part)) > len(wanted & T.stems(sentence)) or not sentence:
                sentence = part
    there = T.stems(passage)
    missing_names = sum(match.group().lower() not in low for match in T.names(question))
    missing_numbers = len(numbers(question) - numbers(passage)) if re.search(r"\d", question) else 0
    negated = bool(NEGATION.search(question)) != bool(NEGATION.search(sentence))
    opposite = sum(T.OPPOSITE.get(word, "-") in low and word not in low for word in re.findall(r"\w+", question.lower()))
    return [
        len(wanted & there) / max(1, len(wanted)), len(wanted & T.stems(sentence)) / max(1, len(wanted)), len(wanted - there), missing_names, missing_numbers,
        float(negated), float(opposite), float(place < 0), min(len(answer), 100) / 100,
    ]
