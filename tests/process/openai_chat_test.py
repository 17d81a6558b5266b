"""Chats by OpenAI's Python client, whole and streamed."""

import asyncio
import math
import unittest

from openai_client import SEA, ClientTest, content_of, openai
from worker import PATIENCE

# What the model answers briefly, and ends itself.
GREETING = [{"role": "user", "content": "Say hi."}]
# One prompt in words of the system, and one without.
BRIEF = [{"role": "system", "content": "You answer with one word only."}, *SEA]


class WholeChatTest(ClientTest):
    def test_a_reply_has_what_the_client_types_promise(self):
        reply = self.chat()
        self.assertRegex(reply.id, "^chatcmpl-")
        self.assertEqual(reply.object, "chat.completion")
        self.assertEqual(reply.model, self.client.models.list().data[0].id)
        self.assertTrue(reply.system_fingerprint)
        self.assertGreater(reply.created, 1_700_000_000)
        [choice] = reply.choices
        self.assertEqual((choice.index, choice.message.role), (0, "assistant"))
        self.assertTrue(choice.message.content)
        self.assertIsNone(choice.message.refusal)
        self.assertIsNone(choice.message.tool_calls)
        self.assertIsNone(choice.logprobs)
        self.assertEqual(reply.usage.completion_tokens, 16)
        self.assertEqual(reply.usage.total_tokens, reply.usage.prompt_tokens + 16)
        self.assertIsNotNone(reply.usage.prompt_tokens_details.cached_tokens)
        self.assertEqual(reply.usage.completion_tokens_details.reasoning_tokens, 0)

    def test_max_completion_tokens_ends_with_length_and_so_does_the_older_name(self):
        for name in ("max_completion_tokens", "max_tokens"):
            with self.subTest(name):
                limit = {"max_completion_tokens": None, name: 5}
                reply = self.chat(**limit)
                self.assertEqual(reply.choices[0].finish_reason, "length")
                self.assertEqual(reply.usage.completion_tokens, 5)

    def test_a_reply_that_the_model_ends_itself_ends_with_stop(self):
        reply = self.chat(messages=GREETING, max_completion_tokens=400)
        self.assertEqual(reply.choices[0].finish_reason, "stop")

    def test_messages_of_the_system_and_of_developers_reach_the_prompt(self):
        def prompt(messages):
            return self.client.post("/chat/completions/render", cast_to=object,
                                    body={"model": "default", "messages": messages})
        by_system = prompt(BRIEF)
        by_developer = prompt([{**BRIEF[0], "role": "developer"}, *SEA])
        self.assertIn(BRIEF[0]["content"], by_system["prompt"])
        self.assertEqual(by_developer, by_system)
        self.assertEqual(self.chat(messages=BRIEF).usage.prompt_tokens,
                         by_system["prompt_tokens"])

    def test_parts_of_a_content_are_one_text(self):
        parts = [{"type": "text", "text": "Tell me "}, {"type": "text", "text": "about the sea."}]
        in_parts, in_one = self.chat(messages=[{"role": "user", "content": parts}]), self.chat()
        self.assertEqual(in_parts.choices[0].message.content, in_one.choices[0].message.content)

    def test_n_choices_cost_one_prompt(self):
        alone = self.chat(seed=3, temperature=1.2)
        reply = self.chat(n=3, seed=3, temperature=1.2)
        self.assertEqual([choice.index for choice in reply.choices], [0, 1, 2])
        self.assertEqual(reply.usage.prompt_tokens, alone.usage.prompt_tokens)
        self.assertEqual(len({choice.message.content for choice in reply.choices}), 3)

    def test_a_stop_string_ends_the_reply_before_it(self):
        whole = self.chat(max_completion_tokens=24).choices[0].message.content
        stop = whole.split()[5]
        for stops in (stop, [stop, "never said"]):
            choice = self.chat(max_completion_tokens=24, stop=stops).choices[0]
            self.assertEqual(choice.message.content, whole[:whole.index(stop)])
            self.assertEqual(choice.finish_reason, "stop")

    def test_the_same_seed_gives_the_same_text(self):
        texts = {self.chat(seed=seed, temperature=1.3).choices[0].message.content
                 for seed in (11, 11, -12, -12)}
        self.assertEqual(len(texts), 2)

    def test_logprobs_tell_of_each_token(self):
        choice = self.chat(logprobs=True, top_logprobs=3).choices[0]
        tokens = choice.logprobs.content
        self.assertEqual(len(tokens), 16)
        said = b"".join(bytes(token.bytes) for token in tokens).decode()
        self.assertEqual(said, choice.message.content)
        for token in tokens:
            self.assertLessEqual(token.logprob, 0)
            ranks = [top.logprob for top in token.top_logprobs]
            self.assertEqual(len(ranks), 3)
            self.assertEqual(ranks, sorted(ranks, reverse=True))
            # At temperature 0 the most likely one is chosen.
            self.assertEqual(token.token, token.top_logprobs[0].token)
            self.assertTrue(math.isclose(token.logprob, ranks[0], abs_tol=1e-6))

    def test_a_logit_bias_rules_a_token_out(self):
        first = self.chat(extra_body={"return_tokens": True}).choices[0].token_ids[0]
        other = self.chat(logit_bias={str(first): -100}, extra_body={"return_tokens": True})
        self.assertNotIn(first, other.choices[0].token_ids)

    def test_headers_are_there_beside_the_reply(self):
        raw = self.client.chat.completions.with_raw_response.create(
            model="default", messages=SEA, max_completion_tokens=2)
        self.assertEqual(raw.status_code, 200)
        self.assertEqual(raw.headers["content-type"], "application/json")
        self.assertEqual(raw.headers["x-request-id"], raw.headers["x-correlation-id"])
        reply = raw.parse()
        self.assertEqual(reply._request_id, raw.headers["x-request-id"])
        self.assertEqual(reply.usage.completion_tokens, 2)


class StreamedChatTest(ClientTest):
    def test_a_stream_says_what_the_whole_reply_says(self):
        for settings in ({}, {"temperature": 1.1, "seed": 5}, {"messages": BRIEF}):
            with self.subTest(**settings):
                whole = self.chat(**settings)
                chunks = self.chunks(**settings)
                self.assertEqual(content_of(chunks), whole.choices[0].message.content)
                self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
                reasons = [chunk.choices[0].finish_reason for chunk in chunks]
                self.assertEqual(reasons[-1], whole.choices[0].finish_reason)
                self.assertEqual(set(reasons[:-1]), {None})
                self.assertEqual(len({chunk.id for chunk in chunks}), 1)
                self.assertEqual({chunk.object for chunk in chunks}, {"chat.completion.chunk"})
                self.assertEqual({chunk.usage for chunk in chunks}, {None})

    def test_choices_of_a_stream_are_told_apart(self):
        settings = {"n": 3, "seed": 9, "temperature": 1.2}
        whole = self.chat(**settings)
        chunks = self.chunks(**settings)
        for choice in whole.choices:
            self.assertEqual(content_of(chunks, choice.index), choice.message.content)

    def test_usage_comes_in_a_last_chunk_without_choices(self):
        *chunks, last = self.chunks(stream_options={"include_usage": True})
        self.assertEqual(last.choices, [])
        self.assertEqual(last.usage, self.chat().usage.model_copy(
            update={"prompt_tokens_details": last.usage.prompt_tokens_details}))
        self.assertTrue(all(chunk.usage is None and chunk.choices for chunk in chunks))

    def test_logprobs_of_a_stream_are_those_of_the_whole_reply(self):
        whole = self.chat(logprobs=True, top_logprobs=2).choices[0].logprobs.content
        streamed = [token for chunk in self.chunks(logprobs=True, top_logprobs=2)
                    if chunk.choices[0].logprobs for token in chunk.choices[0].logprobs.content]
        self.assertEqual([token.bytes for token in streamed], [token.bytes for token in whole])

    def test_the_clients_own_accumulation_of_a_stream(self):
        settings = {"messages": GREETING, "temperature": 0, "max_completion_tokens": 400}
        with self.client.chat.completions.stream(model="default", **settings) as stream:
            deltas = [event.delta for event in stream if event.type == "content.delta"]
            final = stream.get_final_completion()
        whole = self.chat(**settings)
        self.assertEqual("".join(deltas), whole.choices[0].message.content)
        self.assertEqual(final.choices[0].message.content, whole.choices[0].message.content)

    def test_a_stream_that_is_closed_frees_its_slot(self):
        for _ in range(6):  # More than there are slots.
            stream = self.chat(stream=True, max_completion_tokens=900,
                               extra_body={"ignore_eos": True})
            for _ in range(3):
                next(stream)
            stream.close()
        self.until_idle()
        self.assertEqual(self.chat().usage.completion_tokens, 16)

    def test_streams_of_an_asynchronous_client_run_beside_each_other(self):
        async def one(client, number):
            stream = await client.chat.completions.create(
                model="default", messages=SEA, stream=True, seed=number, temperature=1,
                max_completion_tokens=24, stream_options={"include_usage": True})
            return [chunk async for chunk in stream]

        async def all_of_them():
            url = str(self.client.base_url)
            async with openai.AsyncOpenAI(base_url=url, api_key="any", timeout=PATIENCE,
                                          max_retries=0) as client:
                return await asyncio.gather(*(one(client, number) for number in range(8)))

        streams = asyncio.run(all_of_them())
        self.assertEqual(len({chunks[0].id for chunks in streams}), 8)
        for chunks in streams:
            self.assertTrue(content_of(chunks))
            self.assertIn(chunks[-2].choices[0].finish_reason, ("stop", "length"))
            self.assertGreater(chunks[-1].usage.completion_tokens, 0)
        self.until_idle()


class ParameterTest(ClientTest):
    def test_what_is_without_meaning_is_reported(self):
        settings = {"user": "u-1", "metadata": {"a": "b"}, "extra_body": {"unheard_of": 1}}
        params = {each["param"] for each in self.chat(**settings).x_ignored}
        self.assertEqual(params, {"user", "metadata", "unheard_of"})
        first, *others = self.chunks(**settings)
        self.assertEqual({each["param"] for each in first.x_ignored}, params)
        self.assertFalse(any("x_ignored" in chunk.model_extra for chunk in others))

    def test_it_is_refused_where_the_client_wants_strictness(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat(user="u-1", extra_headers={"x-strict-parameters": "true"})
        self.assertEqual(caught.exception.param, "user")

    def test_a_reply_matches_a_regular_expression(self):
        for seed in range(3):
            reply = self.chat(temperature=1, seed=seed, max_completion_tokens=40,
                              extra_body={"regex": "[A-Z]{3}-[0-9]{4}"})
            self.assertRegex(reply.choices[0].message.content, r"\A[A-Z]{3}-[0-9]{4}\Z")
            self.assertEqual(reply.choices[0].finish_reason, "stop")

    def test_a_reply_is_one_of_the_choices(self):
        choices = ["rising tide", "falling tide", "no tide at all"]
        for seed in range(3):
            reply = self.chat(temperature=1, seed=seed, extra_body={"choice": choices})
            self.assertIn(reply.choices[0].message.content, choices)
            self.assertEqual(reply.choices[0].finish_reason, "stop")

    def test_a_reply_follows_a_grammar(self):
        grammar = 'start: "day " NUMBER (", " NUMBER)*\nNUMBER: /[1-9][0-9]?/'
        reply = self.chat(temperature=1, seed=1, extra_body={"grammar": grammar})
        self.assertRegex(reply.choices[0].message.content, r"\Aday [1-9]")

    def test_min_tokens_and_ignore_eos_go_past_the_models_end(self):
        ends_at = self.chat(messages=GREETING,
                            max_completion_tokens=400).usage.completion_tokens
        for further in ({"min_tokens": ends_at + 8}, {"ignore_eos": True}):
            reply = self.chat(messages=GREETING, max_completion_tokens=ends_at + 8,
                              extra_body=further)
            self.assertEqual(reply.usage.completion_tokens, ends_at + 8)
            self.assertEqual(reply.choices[0].finish_reason, "length")

    def test_the_last_message_can_be_gone_on_with(self):
        messages = [*SEA, {"role": "assistant", "content": "The sea is a large"}]
        rendered = self.client.post(
            "/chat/completions/render", cast_to=object,
            body={"model": "default", "messages": messages, "continue_final_message": True})
        self.assertTrue(rendered["prompt"].endswith("The sea is a large"))
        self.assertTrue(self.chat(messages=messages, extra_body={
            "continue_final_message": True}).choices[0].message.content)


if __name__ == "__main__":
    unittest.main()
