//! A syntax tree becomes definitions: where each begins and ends, with the comments that belong to
//! it, and what it is called.

use tree_sitter::{Node, TreeCursor};

use super::languages::Language;
use crate::outline::on_one_line;

/// Deeper trees are hostile; what lies deeper holds no definitions.
const MAX_TREE_DEPTH: usize = 500;
/// Definitions deeper inside each other than this are text of the one around them.
const MAX_NESTING: usize = 8;
const MAX_TITLE_CHARACTERS: usize = 80;

/// A function, a type, a module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Definition {
    /// Where it begins, the comments and attributes over it included.
    pub(super) start: usize,
    pub(super) end: usize,
    /// A keyword and a name, as they are written. Never empty.
    pub(super) title: String,
}

/// What a kind of node is to its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Other,
    Definition,
    Binding,
    Wrapper,
    Attached,
}

/// What stands before the next node among its siblings and belongs to it if it is a definition.
#[derive(Debug, Clone, Copy)]
struct Lead {
    start: usize,
    end: usize,
    /// It is the beginning of a wrapper: all in there up to the definition belongs to it.
    wraps: bool,
}

/// The definitions under the cursor's node, each before those inside it.
pub(super) fn definitions(text: &str, cursor: &mut TreeCursor, language: &Language) -> Vec<Definition> {
    let roles = roles(language);
    let mut found: Vec<Definition> = Vec::new();
    let mut open_ends: Vec<usize> = Vec::new();
    // One for each level of the tree, from the root to the cursor.
    let mut leads: Vec<Option<Lead>> = vec![None];
    loop {
        let node = cursor.node();
        let lead = leads.last_mut().expect("the root has a level");
        let before = lead.filter(|lead| lead.wraps || is_next_to(text, lead.end, node.start_byte()));
        let mut inside = None;
        let mut role = roles[usize::from(node.kind_id())];
        if matches!(role, Role::Definition | Role::Binding) {
            while open_ends.last().is_some_and(|&end| end <= node.start_byte()) {
                open_ends.pop();
            }
            match title(text, node, role, language).filter(|_| open_ends.len() < MAX_NESTING) {
                Some(title) => {
                    let start = before.map_or_else(|| line_start(text, node.start_byte()), |lead| lead.start);
                    found.push(Definition { start, end: node.end_byte(), title });
                    open_ends.push(node.end_byte());
                }
                None => role = Role::Other,
            }
        }
        match role {
            Role::Attached if before.is_some_and(|lead| lead.wraps) => {}
            Role::Attached => {
                let start = line_start(text, node.start_byte());
                let begins_line = start == 0 || text[..start].ends_with('\n');
                let end = node.start_byte() + text[node.byte_range()].trim_end().len();
                *lead = begins_line.then(|| Lead { start: before.map_or(start, |lead| lead.start), end, wraps: false });
            }
            Role::Wrapper => {
                let start = before.map_or_else(|| line_start(text, node.start_byte()), |lead| lead.start);
                inside = Some(Lead { start, end: start, wraps: true });
                *lead = None;
            }
            Role::Other if before.is_some_and(|lead| lead.wraps) => {}
            Role::Other | Role::Definition | Role::Binding => *lead = None,
        }
        if leads.len() < MAX_TREE_DEPTH && cursor.goto_first_child() {
            leads.push(inside);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
            leads.pop();
        }
    }
}

/// The role of every kind of node, by its number.
fn roles(language: &Language) -> Vec<Role> {
    let grammar = (language.grammar)();
    let role = |kind: &str| match kind {
        _ if language.definitions.contains(&kind) => Role::Definition,
        _ if language.bindings.contains(&kind) => Role::Binding,
        _ if language.wrappers.contains(&kind) => Role::Wrapper,
        _ if language.attached.contains(&kind) || kind.contains("comment") => Role::Attached,
        _ => Role::Other,
    };
    let count = u16::try_from(grammar.node_kind_count()).unwrap_or(u16::MAX);
    let mut roles: Vec<Role> = (0..count)
        .map(|id| match grammar.node_kind_for_id(id) {
            Some(kind) if grammar.node_kind_is_named(id) => role(kind),
            _ => Role::Other,
        })
        .collect();
    // Broken parts of a tree have a kind of their own, the largest number there is.
    roles.resize(usize::from(u16::MAX) + 1, Role::Other);
    roles
}

/// True if there is nothing but one line end between the two offsets.
fn is_next_to(text: &str, end: usize, start: usize) -> bool {
    text.get(end..start).is_some_and(|gap| gap.bytes().filter(|&byte| byte == b'\n').count() <= 1)
}

/// The start of the line if only spaces are before `offset`, else `offset`.
fn line_start(text: &str, offset: usize) -> usize {
    let indented = text[..offset].trim_end_matches([' ', '\t']).len();
    if text[..indented].ends_with('\n') || indented == 0 { indented } else { offset }
}

/// What a definition is called; `None` if it is none: a type that is only named, a variable that
/// holds no function.
fn title(text: &str, node: Node, role: Role, language: &Language) -> Option<String> {
    if role == Role::Binding {
        let value = value(node, language)?;
        let name = &text[after_modifiers(node)..value.start_byte()];
        let name = name.trim_end_matches([' ', '\t', '\r', '\n', '=', '<', '-', ':']);
        return short(name, "");
    }
    let start = after_modifiers(node);
    let from = &text[start..node.end_byte()];
    if !language.calls.is_empty() && node.kind() == "call" {
        let word = from.split(|end: char| !end.is_alphanumeric()).next()?;
        return if language.calls.contains(&word) { short(call_head(from), "") } else { None };
    }
    let body = node.child_by_field_name("body");
    if node.kind().ends_with("_specifier") && body.is_none() {
        return None;
    }
    // In Swift's grammar, their first parameter has the field of the name.
    let nameless = matches!(node.kind(), "init_declaration" | "subscript_declaration");
    match name_of(node).filter(|name| name.start_byte() >= start && !nameless) {
        // In Go, a group of types has the keyword once.
        Some(name) if node.kind() == "type_spec" => short(&format!("type {}", &text[name.byte_range()]), ""),
        Some(name) => short(&text[start..name.end_byte()], &text[name.byte_range()]),
        None => {
            let head = match body {
                Some(body) if body.start_byte() > start => &text[start..body.start_byte()],
                _ => from.lines().next().unwrap_or_default(),
            };
            let end = if node.kind() == "impl_item" { ['{'].as_slice() } else { ['{', '('].as_slice() };
            let head = head.split(end).next().unwrap_or_default();
            if !node.kind().ends_with("_specifier") {
                return short(head, "");
            }
            // `typedef struct { … } name;`
            let after = text[node.end_byte()..].split([';', '\n', '{', '(']).next().unwrap_or_default();
            let after = if after.len() <= MAX_TITLE_CHARACTERS { after } else { "" };
            short(&format!("{head} {after}"), "")
        }
    }
}

/// The function or type that a binding gives a name to.
fn value<'t>(node: Node<'t>, language: &Language) -> Option<Node<'t>> {
    let mut value = node.named_child(u32::try_from(node.named_child_count()).ok()?.checked_sub(1)?)?;
    if matches!(value.kind(), "expression_list" | "parenthesized_expression") {
        value = value.named_child(0)?;
    }
    (value != node && language.values.contains(&value.kind())).then_some(value)
}

/// Where a definition begins to say what it is, after annotations, visibility and such.
fn after_modifiers(node: Node) -> usize {
    let is_modifier = |kind: &str| {
        ["modifier", "attribute", "annotation", "decorator", "comment"].iter().any(|word| kind.contains(word))
            || kind == "pub"
    };
    let first = (0..16).map_while(|index| node.child(index)).find(|child| !is_modifier(child.kind()));
    first.map_or(node.start_byte(), |child| child.start_byte())
}

/// The node that names a definition: its own, or that of the declarator or signature in it.
fn name_of(node: Node) -> Option<Node> {
    let mut at = node;
    for _ in 0..16 {
        if let Some(name) = at.child_by_field_name("name") {
            return Some(name);
        }
        let below = ["declarator", "signature"].iter().find_map(|field| at.child_by_field_name(field)).or_else(|| {
            let holds = at.kind().ends_with("_declarator") || at.kind().ends_with("_signature");
            at.named_child(0).filter(|_| holds)
        });
        match below {
            Some(below) => at = below,
            None => break,
        }
    }
    (at != node).then_some(at)
}

/// A call up to its first argument's end: `def area`, `defimpl Size`.
fn call_head(call: &str) -> &str {
    let line = call.lines().next().unwrap_or_default();
    let end = ["(", ",", " do", " when "].iter().filter_map(|end| line.find(end)).min();
    &line[..end.unwrap_or(line.len())]
}

/// A title on one line that is not too long: `head`, else `name`, else the beginning of `head`.
/// `None` if it says nothing.
fn short(head: &str, name: &str) -> Option<String> {
    let fits = |title: &String| title.chars().count() <= MAX_TITLE_CHARACTERS;
    let head: String = head.chars().take(MAX_TITLE_CHARACTERS * 8).collect();
    let head = on_one_line(&head);
    let name = on_one_line(name);
    let title = if fits(&head) {
        head
    } else if !name.is_empty() && fits(&name) {
        name
    } else {
        let cut: String = head.chars().take(MAX_TITLE_CHARACTERS - 1).collect();
        format!("{}…", cut.trim_end())
    };
    title.contains(char::is_alphanumeric).then_some(title)
}
