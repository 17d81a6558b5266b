//! How calls cross from C++ and back: borrowed texts in, owned texts out, and no panic ever.

use std::any::Any;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::Once;

#[repr(C)]
pub struct View {
    bytes: *const u8,
    size: usize,
}

impl View {
    /// # Safety
    /// The caller's bytes outlive the call.
    pub unsafe fn bytes(&self) -> &[u8] {
        match self.size {
            0 => &[],
            size => std::slice::from_raw_parts(self.bytes, size),
        }
    }

    /// # Safety
    /// As `bytes`.
    pub unsafe fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(self.bytes()).map_err(|_| "the text is not UTF-8".into())
    }
}

#[repr(C)]
pub struct Text {
    bytes: *mut u8,
    size: usize,
    capacity: usize,
}

impl Text {
    fn from(text: String) -> Text {
        let mut bytes = std::mem::ManuallyDrop::new(text.into_bytes());
        Text { bytes: bytes.as_mut_ptr(), size: bytes.len(), capacity: bytes.capacity() }
    }
}

#[no_mangle]
pub unsafe extern "C" fn rbee_text_free(text: Text) {
    if !text.bytes.is_null() {
        drop(Vec::from_raw_parts(text.bytes, text.size, text.capacity));
    }
}

const DONE: i32 = 0;
const REFUSED: i32 = 1;
const PANICKED: i32 = 2;

// Standard error may be a pipe that nobody reads: a panic's message goes to the caller alone.
static SILENCE: Once = Once::new();

/// Runs one call. What it answers, or why it does not, becomes `out`.
///
/// # Safety
/// `out` may be written to.
pub unsafe fn answer(out: *mut Text, call: impl FnOnce() -> Result<String, String>) -> i32 {
    SILENCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let (outcome, text) = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(text)) => (DONE, text),
        Ok(Err(reason)) => (REFUSED, reason),
        Err(panic) => (PANICKED, said_by(panic.as_ref())),
    };
    out.write(Text::from(text));
    outcome
}

/// Reading a caller's grammar recurses as deep as it is nested, and as far as its rules are linked:
/// some kilobytes of stack for each of them, which most threads do not have. What is not used of a
/// stack is no memory.
const STACK_BYTES: usize = 512 << 20;

/// Runs what recurses as a caller wants. A panic comes back as a panic.
pub fn with_deep_stack<T: Send>(
    work: impl FnOnce() -> Result<T, String> + Send,
) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        match thread.spawn_scoped(scope, work) {
            Ok(running) => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(error) => Err(format!("there is no memory for it now: {error}")),
        }
    })
}

/// Destroys what `Box::into_raw` made.
///
/// # Safety
/// `object` is null, or was made so and is not used again.
pub unsafe fn destroy<T>(object: *mut T) {
    if !object.is_null() {
        // A destructor that panics leaks what is left of the object.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(object))));
    }
}

fn said_by(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".into(),
    }
}
