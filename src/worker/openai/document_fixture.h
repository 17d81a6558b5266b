// What tests share that hold docs/openai.md against the tables. With RBEE_WRITE_DOCS=1 its parts
// are written anew.
#pragma once

#include "worker/openai/parameter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// A number that no other limit has stands for one that differs between workers.
inline constexpr std::uint32_t varying = 1'000'003;

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

inline std::string_view word_of(Support support) {
    switch (support) {
        case Support::supported: return "supported";
        case Support::reported: return "reported";
        case Support::refused: return "refused";
    }
    return "";
}

inline std::string accepted_by(const Parameter& parameter) {
    const std::string accepted = replaced(parameter.accepted, std::to_string(varying), "N");
    return (parameter.presence == Presence::required ? "required; " : "") + accepted;
}

inline std::string table_of(std::string_view title, std::string_view path,
                            const std::vector<Parameter>& parameters) {
    std::string table =
        fmt::format("### {}\n\n| parameter | class | accepted | |\n|---|---|---|---|\n", title);
    for (const Parameter& parameter : parameters) {
        table += fmt::format("| `{}{}` | {} | {} | {} |\n", path, parameter.name,
                             word_of(parameter.support), accepted_by(parameter), parameter.note);
    }
    return table + "\n";
}

// Holds the part of the document between the marks of this name against `expected`.
inline void check_document(const std::string& file, std::string_view name,
                           const std::string& expected) {
    std::ifstream stream(file);
    const std::string document(std::istreambuf_iterator<char>(stream), {});
    const std::string begin_mark = fmt::format("<!-- generated: {}: begin -->\n", name);
    const std::size_t begin = document.find(begin_mark);
    const std::size_t end = document.find(fmt::format("<!-- generated: {}: end -->\n", name));
    ASSERT_TRUE(begin != std::string::npos && end != std::string::npos) << file << ", " << name;
    const std::size_t first = begin + begin_mark.size();
    const std::string part = "\n" + expected + "\n";
    if (std::getenv("RBEE_WRITE_DOCS") != nullptr) {
        std::ofstream(file) << document.substr(0, first) << part << document.substr(end);
        return;
    }
    EXPECT_EQ(document.substr(first, end - first), part)
        << file << " is not what the tables say: run this test with RBEE_WRITE_DOCS=1";
}

}  // namespace worker
