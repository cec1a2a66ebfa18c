"""Hard rules beside the models: numbers, codes, names and negation of a sentence against its evidence; words of a question against a passage."""

import re

import text as T

NUMBER_WORDS = {word: str(number) for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())}
CODE = re.compile(r"(?<![\w-])(?=[\w./_-]*\d)(?=[\w./_-]*[A-Za-z_-])[A-Za-z0-9][\w./_-]*\w|--[\w-]+")
NEGATION = re.compile(r"\b(not|no|never|none|nobody|nothing|cannot|without|neither|nor|forbidden|refused|rejected)\b|n't\b", re.I)


def numbers(text):
    """Numbers, with commas for thousands taken out, and small number words."""
    found = {one.replace(",", "").rstrip(".") for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    return found | {NUMBER_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in NUMBER_WORDS}


def codes(text):
    return {one.lower() for one in CODE.findall(text)}


def conflicts(claim, evidence):
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
