//! What the worker takes from Rust libraries: chat templates and grammars, behind the functions
//! that `rbee_ffi.h` declares. It says what each does; here stands how.

mod boundary;
mod float;
mod grammar;
mod json;
mod schema;
mod template;
