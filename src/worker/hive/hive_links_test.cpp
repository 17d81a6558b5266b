#include "worker/hive/hive_links.h"

#include "tests/support/hive_fixture.h"

namespace worker {
namespace {

class HiveLinksTest : public HiveFixture {};

std::string with_id_hidden(std::string bytes) {
    const std::string name = "X-Correlation-ID: ";
    const std::size_t begin = bytes.find(name) + name.size();
    return bytes.replace(begin, 36, "<id>");
}

TEST_F(HiveLinksTest, a_callback_hive_hears_the_callback_and_then_heartbeats) {
    ScriptedPeer hive({{ok}});
    settings.callback_url = hive.url("/v1/workers/ready?hive=7");
    token = "hunter2";
    make().start();
    links->worker_ready();
    run_until_heard(hive, 2);

    const std::string fields =
        "Host: 127.0.0.1:" + std::to_string(hive.port()) +
        "\r\nUser-Agent: llm-worker-rbee/1.2.3\r\nContent-Type: application/json\r\n";
    const std::string more_fields =
        "X-Correlation-ID: <id>\r\nConnection: close\r\nAuthorization: Bearer hunter2\r\n\r\n";
    EXPECT_EQ(with_id_hidden(hive.received()[0].bytes),
              "POST /v1/workers/ready?hive=7 HTTP/1.1\r\n" + fields + "Content-Length: 112\r\n" +
                  more_fields +
                  R"({"worker_id":"w-1","url":"http://localhost:8081","model_ref":"hf:x/y",)"
                  R"("backend":"cpu","device":0,"vram_bytes":0})");
    EXPECT_EQ(with_id_hidden(hive.received()[1].bytes),
              "POST /v1/heartbeat HTTP/1.1\r\n" + fields + "Content-Length: 296\r\n" + more_fields +
                  R"({"worker_id":"w-1","timestamp":"2026-01-31T12:00:00.123Z",)"
                  R"("timestamp_ms":1769860800123,"health_status":"healthy","status":"healthy",)"
                  R"("vram_used":0,"vram_total":0,"memory_used":0,"device":"cpu:0",)"
                  R"("slots_total":16,"slots_busy":0,"queue_depth":0,"tokens_per_second":0,)"
                  R"("model":"hf:x/y","state":"idle"})");
    for (const auto& request : hive.received()) EXPECT_EQ(request.receives, 1);
}

TEST_F(HiveLinksTest, heartbeat_hive_and_queen_hear_before_the_worker_is_ready) {
    ScriptedPeer callback_hive({{ok}});
    ScriptedPeer hive({{ok}});
    ScriptedPeer queen({{ok}});
    settings.callback_url = callback_hive.url("/ready");
    settings.hive_url = hive.url("/some/path");
    settings.queen_url = queen.url("/q/");
    state = "loading";
    make().start();
    run_until_answered(2);
    EXPECT_EQ(heard_by(hive, "state"), "/v1/heartbeat loading\n");
    EXPECT_EQ(heard_by(queen, "status"), "/q/v1/worker-heartbeat ready\n");
    EXPECT_NE(queen.received()[0].bytes.find("\r\n\r\n" +
                                             queen_heartbeat(worker(), clock.wall_now()).text()),
              std::string::npos);
    EXPECT_TRUE(callback_hive.received().empty());
}

TEST_F(HiveLinksTest, beats_at_every_interval_and_out_of_turn) {
    ScriptedPeer hive({{ok}});
    settings.hive_url = hive.url();
    settings.policy.interval = 2ms;
    make().start();
    run_until_heard(hive, 5);

    settings.policy.interval = never;
    ScriptedPeer queen({{ok}});
    settings.hive_url.reset();
    settings.queen_url = queen.url();
    make().start();
    run_until_answered(1);
    links->beat_now();
    run_until_heard(queen, 2);
}

TEST_F(HiveLinksTest, a_beat_with_all_there_is_to_say_stays_under_4_kib) {
    ScriptedPeer hive({{ok}});
    settings.hive_url = hive.url();
    token = std::string(512, 't');
    HiveLinks::Parts long_parts = parts();
    long_parts.heartbeat = [this] {
        Heartbeat heartbeat = beat();
        heartbeat.worker_id = std::string(256, 'w');
        heartbeat.model = std::string(1024, 'm');
        heartbeat.vram_used_bytes = heartbeat.vram_total_bytes = heartbeat.memory_used_bytes = -1;
        heartbeat.tokens_per_second = 12345.678901234567;
        return heartbeat;
    };
    links = HiveLinks::make(settings, long_parts).value();
    links->start();
    run_until_heard(hive, 1);
    EXPECT_LT(hive.received()[0].bytes.size(), 4096u);
}

TEST_F(HiveLinksTest, the_callback_is_tried_five_times) {
    ScriptedPeer hive({{broken}});
    settings.callback_url = hive.url("/ready");
    make().worker_ready();
    run_until([&] { return !given_up.empty(); });
    EXPECT_EQ(hive.received().size(), 5u);
    EXPECT_EQ(given_up, "127.0.0.1:" + std::to_string(hive.port()) + ": it replied 500");
    EXPECT_EQ(count(pipe.read_all(), R"("error_kind":"HIVE_REFUSED")"),
              R"(5 x "error_kind":"HIVE_REFUSED")");
}

TEST_F(HiveLinksTest, a_callback_that_succeeds_in_the_end_is_as_good) {
    ScriptedPeer hive({{broken}, {"", Then::reset}, {"HTTP/1.0 202 Accepted\r\n\r\n"}, {ok}});
    settings.callback_url = hive.url("/ready");
    make().worker_ready();
    run_until_heard(hive, 4);
    EXPECT_EQ(heard_by(hive, "state"), "/ready\n/ready\n/ready\n/v1/heartbeat idle\n");
    EXPECT_EQ(given_up, "");
}

TEST_F(HiveLinksTest, the_url_of_the_test_mode_is_no_hive) {
    settings.callback_url = "http://localhost:9999/v1/workers/ready";
    make().start();
    links->worker_ready();
    EXPECT_EQ(links->report().text(), R"({"peers":[]})");
}

TEST_F(HiveLinksTest, refuses_a_url_and_names_its_flag) {
    settings.queen_url = "http://secret@/";
    const auto made = HiveLinks::make(settings, parts());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message.find("--queen-url: "), 0u);
    EXPECT_EQ(made.error().message.find("secret"), std::string::npos);
}

TEST_F(HiveLinksTest, a_hive_that_has_forgotten_the_worker_is_called_back_at_once) {
    ScriptedPeer hive({{ok}, {unknown}, {ok}});
    settings.callback_url = hive.url("/ready");
    make().worker_ready();
    run_until_heard(hive, 3);
    EXPECT_EQ(heard_by(hive, "state"), "/ready\n/v1/heartbeat idle\n/ready\n");
    links->beat_now();
    run_until_heard(hive, 4);
    EXPECT_EQ(heard_by(hive, "state"), "/ready\n/v1/heartbeat idle\n/ready\n/v1/heartbeat idle\n");
}

TEST_F(HiveLinksTest, a_callback_that_fails_later_on_is_tried_again_at_each_beat) {
    ScriptedPeer hive({{ok}, {unknown}, {broken}, {broken}, {ok}});
    settings.callback_url = hive.url("/ready");
    settings.policy.interval = 2ms;
    make().worker_ready();
    run_until_heard(hive, 7);
    const std::string expected =
        "/ready\n/v1/heartbeat idle\n/ready\n/ready\n/ready\n"
        "/v1/heartbeat idle\n/v1/heartbeat idle\n";
    EXPECT_EQ(heard_by(hive, "state").substr(0, expected.size()), expected);
    EXPECT_EQ(given_up, "");
}

TEST_F(HiveLinksTest, a_row_of_failures_is_told_now_and_then_and_its_end_once) {
    std::deque<ScriptedPeer::Reply> replies{{ok}};
    replies.insert(replies.end(), 12, {unknown});
    replies.push_back({ok});
    ScriptedPeer queen(replies);
    settings.queen_url = queen.url();
    settings.policy.interval = 1ms;
    make().start();
    run_until_heard(queen, 17);
    const std::string lines = pipe.read_all();
    EXPECT_EQ(count(lines, "heartbeat_failed"), "2 x heartbeat_failed");
    EXPECT_EQ(count(lines, "it replied 404"), "2 x it replied 404");
    EXPECT_EQ(count(lines, "send_heartbeat"), "2 x send_heartbeat");
    EXPECT_EQ(count(lines, "Heartbeats arrive again"), "1 x Heartbeats arrive again");
    EXPECT_NE(lines.find(R"("actor":"hive-link")"), lines.npos);
}

TEST_F(HiveLinksTest, a_hive_that_never_replies_delays_no_other) {
    ScriptedPeer hive({{"", Then::stay}});
    ScriptedPeer queen({{ok}});
    settings.hive_url = hive.url();
    settings.queen_url = queen.url();
    settings.policy.interval = 2ms;
    make().start();
    run_until_heard(hive, 1);
    run_until_heard(queen, 5);
    EXPECT_EQ(hive.received().size(), 1u);
}

TEST_F(HiveLinksTest, a_call_that_takes_too_long_fails_and_beats_go_on) {
    ScriptedPeer hive({{"", Then::stay}});
    settings.hive_url = hive.url();
    settings.policy.interval = 2ms;
    settings.policy.call_timeout = 50ms;
    make().start();
    run_until_heard(hive, 2);
    EXPECT_NE(pipe.read_all().find(R"("error_kind":"TIMEOUT")"), std::string::npos);
}

TEST_F(HiveLinksTest, reports_what_was_said_and_what_came_of_it) {
    ScriptedPeer hive({{broken}});
    settings.hive_url = "http://user:pass@127.0.0.1:" + std::to_string(hive.port()) + "/a?key=b";
    const std::string place = "127.0.0.1:" + std::to_string(hive.port());
    make();
    EXPECT_EQ(links->report().text(), R"({"peers":[{"peer":"heartbeat_hive","url":")" + place +
                                          R"(/v1/heartbeat","sent":0,"failures":0}]})");
    links->start();
    run_until_answered(1);
    EXPECT_EQ(links->report().text(),
              R"({"peers":[{"peer":"heartbeat_hive","url":")" + place +
                  R"(/v1/heartbeat","sent_at":"2026-01-31T12:00:00.123Z","payload":)" +
                  to_json(beat()).text() + R"(,"answer":{"status":500},"sent":1,"failures":1}]})");
}

TEST_F(HiveLinksTest, reports_why_nothing_could_be_said) {
    {
        ScriptedPeer gone({{ok}});
        settings.hive_url = gone.url();
    }
    make().start();
    run_until_answered(1);
    const std::string report = links->report().text();
    EXPECT_NE(report.find(R"("answer":{"error":"127.0.0.1:)"), report.npos) << report;
    const std::string reason = "Connection refused (connecting)\"},\"sent\":0,\"failures\":1}";
    EXPECT_NE(report.find(reason), report.npos) << report;
}

}  // namespace
}  // namespace worker
