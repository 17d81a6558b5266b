#include "worker/base/mailbox.h"

#include <gtest/gtest.h>

#include <thread>

namespace worker {
namespace {

using namespace std::chrono_literals;
using Numbers = std::vector<int>;

TEST(MailboxTest, gives_out_in_the_order_of_arrival) {
    Mailbox<int> mailbox(3);
    for (const int i : {1, 2, 3}) EXPECT_TRUE(mailbox.send(i));
    EXPECT_EQ(mailbox.take(), (Numbers{1, 2, 3}));
    EXPECT_EQ(mailbox.take(), Numbers{});
}

TEST(MailboxTest, refuses_the_newest_when_full) {
    Mailbox<int> mailbox(1);
    EXPECT_TRUE(mailbox.send(1));
    EXPECT_FALSE(mailbox.send(2));
    EXPECT_EQ(mailbox.take(), Numbers{1});
    EXPECT_TRUE(mailbox.send(3));
}

TEST(MailboxTest, closed_it_refuses_and_still_gives_out) {
    Mailbox<int> mailbox(2);
    EXPECT_TRUE(mailbox.send(1));
    mailbox.close();
    EXPECT_TRUE(mailbox.closed());
    EXPECT_FALSE(mailbox.send(2));
    EXPECT_EQ(mailbox.wait_and_take(), Numbers{1});
    EXPECT_EQ(mailbox.wait_and_take(), Numbers{});
}

TEST(MailboxTest, a_taker_waits_for_a_command) {
    Mailbox<int> mailbox(1);
    std::thread sender([&] { EXPECT_TRUE(mailbox.send(1)); });
    EXPECT_EQ(mailbox.wait_and_take(), Numbers{1});
    sender.join();
}

TEST(MailboxTest, closing_wakes_the_taker) {
    Mailbox<int> mailbox(1);
    std::thread closer([&] { mailbox.close(); });
    EXPECT_EQ(mailbox.wait_and_take(), Numbers{});
    closer.join();
}

TEST(MailboxTest, a_taker_gives_up_when_nothing_comes) {
    Mailbox<int> mailbox(1);
    EXPECT_EQ(mailbox.wait_and_take_for(1ms), Numbers{});
}

TEST(MailboxTest, nothing_is_lost_between_threads) {
    Mailbox<int> mailbox(8);
    std::thread sender([&] {
        for (int i = 0; i < 1000;) i += mailbox.send(i) ? 1 : 0;
        mailbox.close();
    });
    Numbers received;
    for (Numbers taken = mailbox.wait_and_take(); !taken.empty(); taken = mailbox.wait_and_take())
        received.insert(received.end(), taken.begin(), taken.end());
    sender.join();
    ASSERT_EQ(received.size(), 1000);
    EXPECT_TRUE(std::is_sorted(received.begin(), received.end()));
}

}  // namespace
}  // namespace worker
