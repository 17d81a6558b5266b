#include "bench/reply_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bench {
namespace {

using testing::ElementsAre;

std::vector<std::string> lines(ReplyReader& reader) {
    std::vector<std::string> all;
    for (std::string line; reader.next_line(line);) all.push_back(line);
    return all;
}

TEST(ReplyReaderTest, joins_chunks_into_lines_however_they_arrive) {
    const std::string wire =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "6\r\ndata: \r\n5\r\na\n\nda\r\n5\r\nta: b\r\n0\r\n\r\n";
    for (std::size_t step = 1; step <= wire.size(); ++step) {
        ReplyReader reader;
        std::vector<std::string> all;
        for (std::size_t at = 0; at < wire.size(); at += step) {
            ASSERT_TRUE(reader.take(wire.substr(at, step))) << step;
            for (const std::string& line : lines(reader)) all.push_back(line);
        }
        EXPECT_TRUE(reader.complete()) << step;
        EXPECT_EQ(reader.status(), 200);
        EXPECT_THAT(all, ElementsAre("data: a", "", "data: b")) << step;
    }
}

TEST(ReplyReaderTest, reads_a_refusal) {
    ReplyReader reader;
    ASSERT_TRUE(reader.take("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"));
    EXPECT_TRUE(reader.complete());
    EXPECT_EQ(reader.status(), 503);
    EXPECT_THAT(lines(reader), ElementsAre("busy"));
}

TEST(ReplyReaderTest, refuses_what_is_no_http) {
    ReplyReader reader;
    EXPECT_FALSE(reader.take("220 mail.example ready\r\n\r\n"));
}

}  // namespace
}  // namespace bench
