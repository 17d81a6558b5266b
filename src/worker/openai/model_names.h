#pragma once

#include "worker/openai/openai_error.h"
#include "worker/openai/parameter.h"

#include <string>
#include <string_view>
#include <vector>

namespace worker {

// What requests may call the model by.
struct ModelNames {
    std::vector<std::string> names;
    bool any = false;  // whatever name a request has is right
};

// Errors: model_not_found.
Checked check_model(std::string_view model, const ModelNames& names);

// The row of the parameter that says it, of any route.
template <class Draft>
Row<Draft> model_row() {
    return required<Draft>("model", &Draft::model, {},
                           {.note = "the `id` of `/v1/models`, the model's file name or `default`; "
                                    "else 404 `model_not_found`"});
}

}  // namespace worker
