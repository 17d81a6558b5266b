#include "worker/model_file/ggml_type.h"

#include <algorithm>
#include <array>

namespace worker {
namespace {

// clang-format off
constexpr std::array ggml_types{
    GgmlType{ 0, "f32",       1,   4, true},
    GgmlType{ 1, "f16",       1,   2, true},
    GgmlType{ 2, "q4_0",     32,  18, true},
    GgmlType{ 3, "q4_1",     32,  20, true},
    GgmlType{ 6, "q5_0",     32,  22, true},
    GgmlType{ 7, "q5_1",     32,  24, true},
    GgmlType{ 8, "q8_0",     32,  34, true},
    GgmlType{ 9, "q8_1",     32,  36, false},
    GgmlType{10, "q2_k",    256,  84, true},
    GgmlType{11, "q3_k",    256, 110, true},
    GgmlType{12, "q4_k",    256, 144, true},
    GgmlType{13, "q5_k",    256, 176, true},
    GgmlType{14, "q6_k",    256, 210, true},
    GgmlType{15, "q8_k",    256, 292, false},
    GgmlType{16, "iq2_xxs", 256,  66, true},
    GgmlType{17, "iq2_xs",  256,  74, true},
    GgmlType{18, "iq3_xxs", 256,  98, true},
    GgmlType{19, "iq1_s",   256,  50, true},
    GgmlType{20, "iq4_nl",   32,  18, true},
    GgmlType{21, "iq3_s",   256, 110, true},
    GgmlType{22, "iq2_s",   256,  82, true},
    GgmlType{23, "iq4_xs",  256, 136, true},
    GgmlType{24, "i8",        1,   1, false},
    GgmlType{25, "i16",       1,   2, false},
    GgmlType{26, "i32",       1,   4, false},
    GgmlType{27, "i64",       1,   8, false},
    GgmlType{28, "f64",       1,   8, false},
    GgmlType{29, "iq1_m",   256,  56, true},
    GgmlType{30, "bf16",      1,   2, true},
    GgmlType{34, "tq1_0",   256,  54, true},
    GgmlType{35, "tq2_0",   256,  66, true},
    GgmlType{39, "mxfp4",    32,  17, true},
    GgmlType{40, "nvfp4",    64,  36, true},
    GgmlType{41, "q1_0",    128,  18, true},
    GgmlType{42, "q2_0",     64,  18, true},
};

// By number; empty where a type was removed.
constexpr std::array<std::string_view, 42> file_types{
    "F32",    "F16",    "Q4_0",   "Q4_1",   "",        "",        "",       "Q8_0",   "Q5_0",
    "Q5_1",   "Q2_K",   "Q3_K_S", "Q3_K_M", "Q3_K_L",  "Q4_K_S",  "Q4_K_M", "Q5_K_S", "Q5_K_M",
    "Q6_K",   "IQ2_XXS", "IQ2_XS", "Q2_K_S", "IQ3_XS", "IQ3_XXS", "IQ1_S",  "IQ4_NL", "IQ3_S",
    "IQ3_M",  "IQ2_S",  "IQ2_M",  "IQ4_XS", "IQ1_M",   "BF16",    "",       "",       "",
    "TQ1_0",  "TQ2_0",  "MXFP4",  "NVFP4",  "Q1_0",    "Q2_0",
};
// clang-format on

template <class Matches>
const GgmlType* find_if(Matches matches) {
    const auto found = std::find_if(ggml_types.begin(), ggml_types.end(), matches);
    return found == ggml_types.end() ? nullptr : &*found;
}

}  // namespace

const GgmlType* find_ggml_type(std::uint32_t id) {
    return find_if([&](const GgmlType& type) { return type.id == id; });
}

const GgmlType* find_ggml_type(std::string_view name) {
    return find_if([&](const GgmlType& type) { return type.name == name; });
}

std::string_view file_type_name(std::int64_t file_type) {
    if (file_type < 0 || file_type >= static_cast<std::int64_t>(file_types.size())) return {};
    return file_types[static_cast<std::size_t>(file_type)];
}

}  // namespace worker
