// OpenAI's client for Node.js, before a worker of SmolLM2. The model is small: what it says is of
// no account, but what is constrained always holds.
import assert from "node:assert/strict";
import test from "node:test";

import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError } from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { baseURL, untilIdle } from "./worker.mjs";

const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0, timeout: 60_000 });
const model = "default";
const messages = [{ role: "user", content: "Tell me about the sea." }];

const Weather = z.object({
  city: z.string().max(20),
  unit: z.enum(["celsius", "fahrenheit"]),
  days: z.number().int().min(1).max(7),
});
const weather = zodFunction({ name: "weather", parameters: Weather });

function chat(settings = {}, options = {}) {
  const body = { model, messages, temperature: 0, max_completion_tokens: 16, ...settings };
  return client.chat.completions.create(body, options);
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

test("a reply has text, a reason and its usage", async () => {
  const reply = await chat();
  assert.match(reply.id, /^chatcmpl-/);
  assert.equal(reply.choices.length, 1);
  assert.ok(reply.choices[0].message.content);
  assert.equal(reply.choices[0].finish_reason, "length");
  assert.equal(reply.usage.completion_tokens, 16);
  assert.ok(reply._request_id);
});

test("a stream says what the whole reply says", async () => {
  const whole = await chat();
  const chunks = await collect(await chat({ stream: true, stream_options: { include_usage: true } }));
  const usage = chunks.pop();
  const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(chunks.at(-1).choices[0].finish_reason, "length");
  assert.deepEqual(usage.choices, []);
  assert.equal(usage.usage.completion_tokens, 16);
});

test("the client's own accumulation of a stream", async () => {
  const stream = client.chat.completions.stream({
    model, messages, temperature: 0, max_completion_tokens: 16,
  });
  let said = "";
  stream.on("content", (delta) => (said += delta));
  const final = await stream.finalChatCompletion();
  assert.ok(said);
  assert.equal(final.choices[0].message.content, said);
});

test("a reply under a schema is parsed", async () => {
  const reply = await client.chat.completions.parse({
    model, messages, temperature: 1, seed: 3, max_completion_tokens: 300,
    response_format: zodResponseFormat(Weather, "weather"),
  });
  assert.deepEqual(Weather.parse(reply.choices[0].message.parsed),
    JSON.parse(reply.choices[0].message.content));
});

test("a required tool is called with valid arguments", async () => {
  const reply = await chat({ tools: [weather], tool_choice: "required",
    parallel_tool_calls: false, max_completion_tokens: 300 });
  assert.equal(reply.choices[0].finish_reason, "tool_calls");
  assert.equal(reply.choices[0].message.tool_calls.length, 1);
  for (const call of reply.choices[0].message.tool_calls) {
    assert.equal(call.function.name, "weather");
    Weather.parse(JSON.parse(call.function.arguments));
  }
});

test("a streamed call is accumulated, and its answer goes back", async () => {
  const asked = { model, messages, tools: [weather], temperature: 0, max_completion_tokens: 300 };
  const named = { type: "function", function: { name: "weather" } };
  const stream = client.chat.completions.stream({ ...asked, tool_choice: named });
  const { message } = (await stream.finalChatCompletion()).choices[0];
  assert.equal(message.tool_calls.length, 1);
  const [call] = message.tool_calls;
  Weather.parse(call.function.parsed_arguments);
  const answer = { role: "tool", tool_call_id: call.id, content: '{"celsius":21}' };
  const reply = await chat({ messages: [...messages, message, answer] });
  assert.ok(reply.choices[0].message.content);
});

test("the client's own loop of tools calls them", async () => {
  const asked = [];
  const tool = zodFunction({ name: "weather", parameters: Weather,
    function: (given) => { asked.push(Weather.parse(given)); return "21"; } });
  const runner = client.chat.completions.runTools(
    { model, messages, tools: [tool], temperature: 0, max_completion_tokens: 300,
      tool_choice: { type: "function", function: { name: "weather" } } },
    { maxChatCompletions: 2 });
  await runner.done();
  assert.ok(asked.length >= 1);
});

test("errors are of their classes and are not tried again", async () => {
  const eager = new OpenAI({ baseURL, apiKey: "any", maxRetries: 3 });
  const create = (settings) => eager.chat.completions.create({ model, messages, ...settings });
  await assert.rejects(create({ temperature: 3 }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.param, "temperature");
    assert.equal(error.type, "invalid_request_error");
    return true;
  });
  await assert.rejects(create({ model: "gpt-4o" }), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.code, "model_not_found");
    return true;
  });
});

test("a stream that is aborted frees its slot", async () => {
  const long = { stream: true, max_completion_tokens: 900, ignore_eos: true };
  for (let i = 0; i < 6; ++i) {
    const stream = await chat(long);
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      break;
    }
    stream.controller.abort();
  }
  await untilIdle();
});

test("a call that is aborted frees its slot", async () => {
  const controller = new AbortController();
  const reply = chat({ max_completion_tokens: 900, ignore_eos: true },
    { signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  await assert.rejects(reply, APIUserAbortError);
  await untilIdle();
});

test("completions and models", async () => {
  const reply = await client.completions.create({ model, prompt: "The sea is", max_tokens: 4 });
  assert.equal(reply.usage.completion_tokens, 4);
  const models = await collect(client.models.list());
  assert.equal(models.length, 1);
  assert.equal((await client.models.retrieve(models[0].id)).id, models[0].id);
});
