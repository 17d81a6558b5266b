// What tests of the native routes share.
#pragma once

#include <regex>
#include <string>

namespace llm {

inline std::string post(const std::string& body, const std::string& fields = "",
                        const std::string& path = "/v1/inference") {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
           fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// What differs between two runs made the same.
inline std::string normalised(std::string text) {
    text = std::regex_replace(text, std::regex(R"("started_at":"[^"]+")"), R"("started_at":"…")");
    text = std::regex_replace(text, std::regex(R"("tokens_per_sec":[0-9.e+]+)"),
                              R"("tokens_per_sec":…)");
    text = std::regex_replace(text, std::regex(R"("decode_time_ms":\d+)"), R"("decode_time_ms":…)");
    text = std::regex_replace(text, std::regex(R"("correlation_id":"[^"]+")"),
                              R"("correlation_id":"…")");
    // Pieces that were sampled while the connection wrote are joined; how many depends on timing.
    const std::regex two_pieces(
        R"re("t":"([^"]*)","i":(\d+)\}\n\ndata: \{"type":"token","t":"([^"]*)","i":\d+)re");
    while (std::regex_search(text, two_pieces))
        text = std::regex_replace(text, two_pieces, R"("t":"$1$3","i":$2)");
    return text;
}

}  // namespace llm
