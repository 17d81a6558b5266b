#include "worker/http/trace.h"

#include "worker/base/ids.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

constexpr const char* uuid = "6f1e1c1e-8f0a-4c57-9b0c-0123456789ab";
constexpr const char* traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Trace trace_from(const std::string& correlation_id, const std::string& parent) {
    Fields fields;
    fields.add("x-correlation-id", correlation_id);
    fields.add("traceparent", parent);
    return trace_of(fields);
}

void check_malformed(const std::string& parent) {
    const Trace trace = trace_from("", parent);
    EXPECT_EQ(trace.traceparent, "") << parent;
    EXPECT_TRUE(is_uuid(trace.correlation_id)) << parent;
}

TEST(TraceTest, a_callers_uuid_is_kept_as_it_is) {
    EXPECT_EQ(trace_from(uuid, "").correlation_id, uuid);
    EXPECT_EQ(trace_from(uuid, traceparent).correlation_id, uuid);
    EXPECT_EQ(trace_from(uuid, traceparent).traceparent, traceparent);
}

TEST(TraceTest, anything_else_is_replaced) {
    for (const std::string given : {"", "x", "6f1e1c1e8f0a4c579b0c0123456789ab"}) {
        const Trace trace = trace_from(given, "");
        EXPECT_NE(trace.correlation_id, given);
        EXPECT_TRUE(is_uuid(trace.correlation_id));
    }
}

TEST(TraceTest, new_ids_differ) {
    EXPECT_NE(trace_of({}).correlation_id, trace_of({}).correlation_id);
}

TEST(TraceTest, a_trace_id_becomes_the_correlation_id) {
    EXPECT_EQ(trace_from("", traceparent).correlation_id, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
    EXPECT_EQ(trace_from("", traceparent).traceparent, traceparent);
}

TEST(TraceTest, a_later_version_may_say_more) {
    const std::string later = "01" + std::string(traceparent).substr(2) + "-more";
    EXPECT_EQ(trace_from("", later).traceparent, later);
}

TEST(TraceTest, a_malformed_traceparent_is_ignored) {
    check_malformed("");
    check_malformed("00");
    check_malformed("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01");
    check_malformed("00-00000000000000000000000000000000-00f067aa0ba902b7-01");
    check_malformed("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01");
    check_malformed("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    check_malformed("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more");
    check_malformed("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more");
    check_malformed("00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01");
}

}  // namespace
}  // namespace worker
