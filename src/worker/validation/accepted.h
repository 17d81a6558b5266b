#pragma once

#include "worker/validation/form.h"

#include <string>

namespace worker {

// What a form accepts, in words, for messages and documents: "0..2", "up to 4 texts of 1..100
// bytes".
std::string accepted_text(const Form& form);

}  // namespace worker
