//! Runs the drawing instructions of a page and notes each glyph with its place; nothing is drawn.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hayro_cmap::BfString;
use hayro_font::kurbo::{Affine, Point, Rect, Vec2};
use hayro_font::{CMapResolverFn, Font, FontCache, FontQuery, FontResolverFn};
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction as Instruction;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, ObjectIdentifier, Stream, String as Bytes};
use hayro_syntax::page::{Page, Resources};

use super::characters;
use super::face::{Face, UNITS, ink_width, unicode};
use super::glyph::{Glyph, Turn};
use super::text_string::text_string;
use crate::limits::{PDF_CHARACTERS, PDF_FORM_BYTES, PDF_FORM_DEPTH, PDF_INSTRUCTIONS};

/// Limits on what one page may cost: pages that a person reads stay far below them.
const MAX_GLYPHS: usize = PDF_CHARACTERS.most;
const MAX_INSTRUCTIONS: usize = PDF_INSTRUCTIONS.most;
/// What opening a form costs, in instructions.
const FORM_COST: usize = 100;
const MAX_FORM_BYTES: usize = PDF_FORM_BYTES.most;
const MAX_FORM_DEPTH: usize = PDF_FORM_DEPTH.most;
const MAX_SAVED_STATES: usize = 1024;
/// Points beyond the edges of a page that still count as on it.
const MARGIN: f64 = 10.0;
/// Glyphs that a character given in their place can stand for.
const MAX_STOOD_FOR: usize = 8;
/// Letters that are set apart because all of them are, not one from the next.
const MIN_SPACED_OUT: usize = 5;
/// With fewer different characters, guesses are no words: an arrow of a symbol font has the code of
/// a letter.
const MIN_DIFFERENT: usize = 2;
/// The text of glyphs that stand for nothing known; it is not shown.
const UNKNOWN: &str = "\u{FFFD}";

/// What a page shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) images: usize,
    /// Glyphs that the file does not say the characters of.
    pub(super) unknown: usize,
    /// Glyphs that are left out because they lie outside of the page.
    pub(super) outside: usize,
    /// True if the page costs more than the limits, and only its beginning is here.
    pub(super) cut: bool,
}

impl Shown {
    /// Characters guessed from their codes are kept where they look like words.
    fn drop_bad_guesses(&mut self) {
        let guesses = || self.glyphs.iter().filter(|glyph| glyph.guessed && glyph.text != " ");
        let share = |is: fn(char) -> bool| guesses().filter(|glyph| glyph.text.chars().all(is)).count() as f32;
        let all = guesses().count();
        let different: HashSet<&str> = guesses().map(|glyph| glyph.text.as_str()).collect();
        let (letters, words) = (share(char::is_alphabetic), share(char::is_alphanumeric));
        let are_words = different.len() >= MIN_DIFFERENT && letters >= 0.4 * all as f32 && words >= 0.6 * all as f32;
        if !are_words {
            self.glyphs.retain(|glyph| !glyph.guessed);
            self.unknown += all;
        }
    }
}

/// The fonts of a file, and the layers that are switched off in it.
pub(super) struct Fonts<'a> {
    cache: FontCache<'a>,
    programs: FontResolverFn,
    maps: CMapResolverFn,
    hidden_layers: &'a HashSet<ObjectIdentifier>,
}

impl<'a> Fonts<'a> {
    pub(super) fn new(hidden_layers: &'a HashSet<ObjectIdentifier>) -> Self {
        let programs: FontResolverFn = Arc::new(|query| {
            Some(match query {
                FontQuery::Standard(font) => font.get_font_data(),
                FontQuery::Fallback(query) => query.pick_standard_font().get_font_data(),
            })
        });
        Fonts { cache: FontCache::new(), programs, maps: Arc::new(hayro_cmap::load_embedded), hidden_layers }
    }
}

pub(super) fn run<'a>(page: &Page<'a>, fonts: &Fonts<'a>) -> Shown {
    let (width, height) = page.render_dimensions();
    let mut runner = Runner {
        fonts,
        shown: Shown::default(),
        visible: Rect::from_origin_size(Point::ZERO, (f64::from(width), f64::from(height))).inset(MARGIN),
        outside: Vec::new(),
        state: State::new(Affine::new(page.initial_transform(true).as_coeffs())),
        saved: Vec::new(),
        text: Affine::IDENTITY,
        line: Affine::IDENTITY,
        spacing: 0.0,
        marked: Vec::new(),
        hidden: 0,
        instructions_left: MAX_INSTRUCTIONS,
        form_bytes_left: MAX_FORM_BYTES,
    };
    runner.instructions(page.typed_operations(), page.resources(), 0);
    runner.annotations(page);
    // A page with all of its text outside of it has wrong bounds.
    match runner.shown.glyphs.is_empty() {
        true => runner.shown.glyphs = runner.outside,
        false => runner.shown.outside = runner.outside.len(),
    }
    runner.shown.drop_bad_guesses();
    runner.shown
}

#[derive(Clone)]
struct State<'a> {
    matrix: Affine,
    face: Face<'a>,
    size: f64,
    character_spacing: f64,
    word_spacing: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

impl State<'_> {
    fn new(matrix: Affine) -> Self {
        let (character_spacing, word_spacing, leading, rise) = (0.0, 0.0, 0.0, 0.0);
        State { matrix, face: Face::none(), size: 1.0, character_spacing, word_spacing, stretch: 1.0, leading, rise }
    }
}

/// An open pair of marks in the content.
enum Mark {
    Plain,
    /// Belongs to a layer that is switched off.
    Hidden,
    /// The glyphs from this one on stand for this text.
    Text(usize, String),
}

struct Runner<'r, 'a> {
    fonts: &'r Fonts<'a>,
    shown: Shown,
    /// The page, and the glyphs that lie outside of it.
    visible: Rect,
    outside: Vec<Glyph>,
    state: State<'a>,
    saved: Vec<State<'a>>,
    text: Affine,
    line: Affine,
    /// How far the last glyph and the next are set apart.
    spacing: f32,
    marked: Vec<Mark>,
    hidden: usize,
    instructions_left: usize,
    form_bytes_left: usize,
}

impl<'a> Runner<'_, 'a> {
    fn instructions(&mut self, mut instructions: TypedIter<'_>, resources: &Resources<'a>, depth: usize) {
        let mut named_fonts: HashMap<Vec<u8>, Face<'a>> = HashMap::new();
        let saved_before = self.saved.len();
        let marked_before = self.marked.len();
        while let Some(instruction) = instructions.next() {
            if self.instructions_left == 0 || self.shown.glyphs.len() >= MAX_GLYPHS {
                let limit = if self.instructions_left == 0 { &PDF_INSTRUCTIONS } else { &PDF_CHARACTERS };
                limit.met();
                self.shown.cut = true;
                break;
            }
            self.instructions_left -= 1;
            match instruction {
                Instruction::SaveState(_) if self.saved.len() < MAX_SAVED_STATES => {
                    self.saved.push(self.state.clone());
                }
                Instruction::RestoreState(_) if self.saved.len() > saved_before => {
                    self.state = self.saved.pop().unwrap_or_else(|| self.state.clone());
                }
                Instruction::Transform(it) => self.state.matrix *= affine([it.0, it.1, it.2, it.3, it.4, it.5]),
                Instruction::BeginText(_) => (self.text, self.line) = (Affine::IDENTITY, Affine::IDENTITY),
                Instruction::CharacterSpacing(it) => self.state.character_spacing = it.0.as_f64(),
                Instruction::WordSpacing(it) => self.state.word_spacing = it.0.as_f64(),
                Instruction::HorizontalScaling(it) => self.state.stretch = it.0.as_f64() / 100.0,
                Instruction::TextLeading(it) => self.state.leading = it.0.as_f64(),
                Instruction::TextRise(it) => self.state.rise = it.0.as_f64(),
                Instruction::TextFont(it) => {
                    self.state.size = it.1.as_f64();
                    self.state.face = match named_fonts.get(it.0.as_ref()) {
                        Some(known) => known.clone(),
                        None => {
                            let face = resources.fonts.get::<Dict<'a>>(it.0.as_ref()).map_or_else(Face::none, |it| {
                                Face::new(&it, self.fonts.cache.font(&it, &self.fonts.programs, &self.fonts.maps))
                            });
                            named_fonts.insert(it.0.as_ref().to_vec(), face.clone());
                            face
                        }
                    };
                }
                Instruction::NextLine(it) => self.next_line(it.0.as_f64(), it.1.as_f64()),
                Instruction::NextLineAndSetLeading(it) => {
                    self.state.leading = -it.1.as_f64();
                    self.next_line(it.0.as_f64(), it.1.as_f64());
                }
                Instruction::SetTextMatrix(it) => {
                    self.line = affine([it.0, it.1, it.2, it.3, it.4, it.5]);
                    self.text = self.line;
                }
                Instruction::NextLineUsingLeading(_) => self.next_line(0.0, -self.state.leading),
                Instruction::ShowText(it) => self.show_one(it.0),
                Instruction::NextLineAndShowText(it) => {
                    self.next_line(0.0, -self.state.leading);
                    self.show_one(it.0);
                }
                Instruction::ShowTextWithParameters(it) => {
                    self.state.word_spacing = it.0.as_f64();
                    self.state.character_spacing = it.1.as_f64();
                    self.next_line(0.0, -self.state.leading);
                    self.show_one(it.2);
                }
                Instruction::ShowTexts(it) => {
                    let first = self.shown.glyphs.len();
                    for piece in it.0.iter::<Object<'_>>() {
                        match piece {
                            Object::String(string) => self.show(&string),
                            Object::Number(back) => self.step_back(back.as_f64()),
                            _ => {}
                        }
                    }
                    self.space_out(first);
                }
                Instruction::InlineImage(_) => self.shown.images += 1,
                Instruction::XObject(it) => self.object(it.0, resources, depth),
                Instruction::BeginMarkedContent(_) => self.marked.push(Mark::Plain),
                Instruction::BeginMarkedContentWithProperties(it) => self.mark(it.1, resources),
                Instruction::EndMarkedContent(_) if self.marked.len() > marked_before => self.unmark(),
                _ => {}
            }
        }
        while self.marked.len() > marked_before {
            self.unmark();
        }
        if self.saved.len() > saved_before {
            self.state = self.saved.swap_remove(saved_before);
            self.saved.truncate(saved_before);
        }
    }

    fn next_line(&mut self, right: f64, up: f64) {
        self.line *= Affine::translate((right, up));
        self.text = self.line;
    }

    fn step_back(&mut self, thousandths: f64) {
        let by = -thousandths / 1000.0 * self.state.size;
        let horizontal = self.state.face.font.as_ref().is_none_or(Font::is_horizontal);
        let step = if horizontal { (by * self.state.stretch, 0.0) } else { (0.0, by) };
        self.text *= Affine::translate(step);
    }

    fn show_one(&mut self, string: &[u8]) {
        let first = self.shown.glyphs.len();
        self.show(string);
        self.space_out(first);
    }

    /// Ends what one instruction shows: where letters are set apart in all of it, that is no gap
    /// between them. With few letters it may be, as some programs write a space in this way.
    fn space_out(&mut self, first: usize) {
        let Some(glyphs) = self.shown.glyphs.get_mut(first..) else { return };
        let letters = glyphs.iter().filter(|glyph| glyph.text.chars().all(char::is_alphabetic)).count();
        let apart = glyphs.windows(2).all(|pair| pair[1].left - pair[0].right > self.spacing / 2.0);
        if let ([spaced @ .., _], true) = (glyphs, apart && letters >= MIN_SPACED_OUT) {
            for glyph in spaced {
                glyph.right += self.spacing;
            }
        }
    }

    fn show(&mut self, string: &[u8]) {
        let Some(font) = self.state.face.font.clone() else {
            self.shown.unknown += if self.hidden == 0 { string.len() } else { 0 };
            return;
        };
        let horizontal = font.is_horizontal();
        let mut at = 0;
        while at < string.len() && self.shown.glyphs.len() < MAX_GLYPHS {
            let (code, length) = font.read_code(string, at);
            at += length.max(1);
            let advance = font.code_advance(code) / UNITS;
            if self.hidden == 0 {
                self.glyph(&font, (code, length), advance);
            }
            let spacing = match length == 1 && code == u32::from(b' ') {
                true => self.state.character_spacing + self.state.word_spacing,
                false => self.state.character_spacing,
            };
            self.text *= Affine::translate(match horizontal {
                true => ((advance.x * self.state.size + spacing) * self.state.stretch, 0.0),
                false => (0.0, advance.y * self.state.size + spacing),
            });
        }
        if at < string.len() {
            PDF_CHARACTERS.met();
            self.shown.cut = true;
        }
    }

    fn glyph(&mut self, font: &Font<'a>, (code, length): (u32, usize), advance: Vec2) {
        let unicode = unicode(font, code);
        let guessed = unicode.is_none();
        let text = match unicode {
            Some(BfString::Char(character)) => character.to_string(),
            Some(BfString::String(string)) => string,
            // Fonts that name no characters have mostly the codes of ASCII, or arbitrary ones; the
            // whole page will tell.
            None => match char::from_u32(code).filter(|it| length == 1 && (it.is_ascii_graphic() || *it == ' ')) {
                Some(character) => character.to_string(),
                None => String::new(),
            },
        };
        let text = match characters::say_nothing(&text) {
            false => text,
            // It keeps its place until the text that stands for it comes.
            true if self.marked.iter().any(|mark| matches!(mark, Mark::Text(..))) => UNKNOWN.to_owned(),
            true => {
                self.shown.unknown += 1;
                return;
            }
        };
        let state = &self.state;
        let em = Affine::new([state.size * state.stretch, 0.0, 0.0, state.size, 0.0, state.rise]);
        let matrix = state.matrix * self.text * em;
        let start = matrix * Point::ZERO;
        let along = match font.is_horizontal() {
            true if advance.x == 0.0 => Vec2::new(ink_width(font, code), 0.0),
            true => Vec2::new(advance.x, 0.0),
            false => Vec2::new(0.0, advance.y),
        };
        let direction = if font.is_horizontal() { Vec2::new(1.0, 0.0) } else { Vec2::new(0.0, -1.0) };
        let direction = matrix * direction.to_point() - start;
        let length = (matrix * along.to_point() - start).hypot();
        let size = (matrix * Point::new(0.0, 1.0) - start).hypot() * state.face.em;
        let (turn, bold) = (Turn::of(direction.x, direction.y), state.face.bold);
        let (x, y) = turn.upright(start.x, start.y);
        let space = direction.hypot() * state.face.space;
        let spacing = direction.hypot() * state.character_spacing / state.size;
        if [x, y, length, size, space, spacing].iter().all(|it| it.abs() < 1e6) && size > 0.0 {
            let [x, y, length, size, space, spacing] = [x, y, length, size, space, spacing].map(|it| it as f32);
            self.spacing = spacing;
            let glyph = Glyph { text, left: x, right: x + length, base: y, size, space, turn, bold, guessed };
            match self.visible.contains(start) {
                true => self.shown.glyphs.push(glyph),
                false if self.outside.len() < MAX_GLYPHS => self.outside.push(glyph),
                false => {
                    PDF_CHARACTERS.met();
                    self.shown.cut = true;
                }
            }
        }
    }

    fn object(&mut self, name: &Name<'_>, resources: &Resources<'a>, depth: usize) {
        let Some(stream) = resources.x_objects.get::<Stream<'a>>(name.as_ref()) else { return };
        let layer = stream.dict().get_ref("OC").is_some_and(|it| self.fonts.hidden_layers.contains(&it.into()));
        match stream.dict().get::<Name<'_>>("Subtype").as_deref() {
            Some(b"Image") => self.shown.images += 1,
            Some(b"Form") if !layer => self.form(&stream, Affine::IDENTITY, resources, depth),
            _ => {}
        }
    }

    fn form(&mut self, stream: &Stream<'a>, placed: Affine, around: &Resources<'a>, depth: usize) {
        if depth >= MAX_FORM_DEPTH {
            PDF_FORM_DEPTH.met();
            self.shown.cut = true;
            return;
        }
        let Ok(content) = stream.decoded_data() else { return };
        let Some(left) = self.form_bytes_left.checked_sub(content.len() + 1) else {
            PDF_FORM_BYTES.met();
            self.shown.cut = true;
            return;
        };
        self.form_bytes_left = left;
        self.instructions_left = self.instructions_left.saturating_sub(FORM_COST);
        let before = (self.state.clone(), self.text, self.line);
        let resources = stream.dict().get::<Dict<'a>>("Resources").map(Resources::new);
        self.state.matrix *= placed * form_matrix(stream);
        self.instructions(TypedIter::new(&content), resources.as_ref().unwrap_or(around), depth + 1);
        (self.state, self.text, self.line) = before;
    }

    /// What annotations look like: filled-in forms, notes written on the page.
    fn annotations(&mut self, page: &Page<'a>) {
        const NOT_VIEWED: u32 = 1 << 1 | 1 << 5;
        let Some(annotations) = page.raw().get::<Array<'a>>("Annots") else { return };
        let matrix = Affine::new(page.initial_transform(true).as_coeffs());
        for annotation in annotations.iter::<Dict<'a>>() {
            let seen = annotation.get::<u32>("F").unwrap_or(0) & NOT_VIEWED == 0;
            let place = annotation.get::<[f64; 4]>("Rect").map(rectangle);
            let (true, Some(place)) = (seen, place) else { continue };
            self.state = State::new(matrix);
            if let Some(stream) = appearance(&annotation) {
                let Some(bounds) = stream.dict().get::<[f64; 4]>("BBox").map(rectangle) else { continue };
                let bounds = form_matrix(&stream).transform_rect_bbox(bounds);
                if bounds.width() > 0.0 && bounds.height() > 0.0 {
                    let scale = (place.width() / bounds.width(), place.height() / bounds.height());
                    let placed = Affine::translate(place.origin().to_vec2())
                        * Affine::scale_non_uniform(scale.0, scale.1)
                        * Affine::translate(-bounds.origin().to_vec2());
                    self.form(&stream, placed, page.resources(), 0);
                }
            } else if let Some(text) = written(&annotation) {
                let place = matrix.transform_rect_bbox(place);
                let (left, right, base) = (place.x0 as f32, place.x1 as f32, place.y1 as f32);
                let size = place.height().clamp(1.0, 10.0) as f32;
                let (space, turn, bold, guessed) = (size * self.state.face.space as f32, Turn::RIGHT, false, false);
                self.shown.glyphs.push(Glyph { text, left, right, base, size, space, turn, bold, guessed });
            }
        }
    }

    fn mark(&mut self, properties: &Object<'_>, resources: &Resources<'a>) {
        let (hidden, text) = match properties {
            Object::Name(name) => (
                resources
                    .properties
                    .get_ref(name.as_ref())
                    .is_some_and(|it| self.fonts.hidden_layers.contains(&it.into())),
                resources.properties.get::<Dict<'a>>(name.as_ref()).and_then(|it| actual_text(&it)),
            ),
            Object::Dict(dictionary) => (false, actual_text(dictionary)),
            _ => (false, None),
        };
        self.hidden += usize::from(hidden);
        self.marked.push(match text {
            _ if hidden => Mark::Hidden,
            Some(text) => Mark::Text(self.shown.glyphs.len(), text),
            None => Mark::Plain,
        });
    }

    fn unmark(&mut self) {
        match self.marked.pop() {
            Some(Mark::Hidden) => self.hidden -= 1,
            Some(Mark::Text(first, text)) => {
                // One place cannot stand for several lines, nor a few characters for many: then
                // what is drawn is believed.
                let [glyph, rest @ ..] = &mut self.shown.glyphs[first..] else { return };
                let one_line = |it: &Glyph| it.turn == glyph.turn && (it.base - glyph.base).abs() < glyph.size / 2.0;
                if rest.iter().all(one_line) && rest.len() < MAX_STOOD_FOR.max(MAX_STOOD_FOR * text.chars().count()) {
                    glyph.left = rest.iter().fold(glyph.left, |left, it| left.min(it.left));
                    glyph.right = rest.iter().fold(glyph.right, |right, it| right.max(it.right));
                    glyph.text = text;
                    self.shown.glyphs.truncate(first + 1);
                } else {
                    self.shown.unknown += rest.iter().filter(|it| it.text == UNKNOWN).count();
                }
            }
            _ => {}
        }
    }
}

fn affine(numbers: [Number; 6]) -> Affine {
    Affine::new(numbers.map(|number| number.as_f64()))
}

fn rectangle([x0, y0, x1, y1]: [f64; 4]) -> Rect {
    Rect::new(x0, y0, x1, y1).abs()
}

fn form_matrix(stream: &Stream<'_>) -> Affine {
    stream.dict().get::<[f64; 6]>("Matrix").map_or(Affine::IDENTITY, Affine::new)
}

fn actual_text(properties: &Dict<'_>) -> Option<String> {
    properties.get::<Bytes<'_>>("ActualText").map(|text| text_string(&text))
}

/// What is written in an annotation or a field that viewers make the look of.
fn written(annotation: &Dict<'_>) -> Option<String> {
    let key = match annotation.get::<Name<'_>>("Subtype").as_deref() {
        Some(b"FreeText") => "Contents",
        Some(b"Widget") => "V",
        _ => return None,
    };
    let text = text_string(&annotation.get::<Bytes<'_>>(key)?);
    (!text.trim().is_empty()).then_some(text)
}

fn appearance<'a>(annotation: &Dict<'a>) -> Option<Stream<'a>> {
    let appearances = annotation.get::<Dict<'a>>("AP")?;
    appearances.get::<Stream<'a>>("N").or_else(|| {
        let state = annotation.get::<Name<'_>>("AS")?;
        appearances.get::<Dict<'a>>("N")?.get::<Stream<'a>>(state.as_ref())
    })
}
