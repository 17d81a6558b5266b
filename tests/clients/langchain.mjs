// LangChain with its provider for OpenAI, before a worker of SmolLM2.
import assert from "node:assert/strict";
import test from "node:test";

import { AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAI } from "@langchain/openai";
import { z } from "zod";

import { baseURL } from "./worker.mjs";

const settings = {
  model: "default", apiKey: "any", temperature: 0, maxTokens: 16, maxRetries: 0,
  configuration: { baseURL },
};
const model = new ChatOpenAI(settings);
const roomy = new ChatOpenAI({ ...settings, maxTokens: 300 });
const asked = [new SystemMessage("You are brief."), new HumanMessage("Tell me about the sea.")];

const Weather = z.object({
  city: z.string().max(20),
  unit: z.enum(["celsius", "fahrenheit"]),
  days: z.number().int().min(1).max(7),
});
const weather = tool(async ({ days }) => `${20 + days}`, {
  name: "weather", description: "Tells the weather of a city.", schema: Weather,
});

test("a chat has text, a reason and its usage", async () => {
  const reply = await model.invoke(asked);
  assert.ok(reply.content);
  assert.equal(reply.response_metadata.finish_reason, "length");
  assert.equal(reply.usage_metadata.output_tokens, 16);
});

test("a stream says what the whole reply says", async () => {
  const whole = await model.invoke(asked);
  let all = new AIMessageChunk("");
  for await (const chunk of await model.stream(asked)) all = all.concat(chunk);
  assert.equal(all.content, whole.content);
  assert.equal(all.usage_metadata.output_tokens, 16);
});

test("replies of a batch are each to their own", async () => {
  const replies = await model.batch([asked, "Hi.", "What is a tide?"]);
  assert.equal(replies.length, 3);
  for (const reply of replies) assert.ok(reply.content);
});

test("a bound tool is called with valid arguments, and its answer goes back", async () => {
  for (const strict of [undefined, true]) {
    const bound = roomy.bindTools([weather], { tool_choice: "weather", strict });
    const reply = await bound.invoke(asked);
    assert.equal(reply.tool_calls.length, 1);
    const [call] = reply.tool_calls;
    Weather.parse(call.args);
    const answer = await weather.invoke(call);
    assert.ok(answer instanceof ToolMessage);
    assert.ok((await model.invoke([...asked, reply, answer])).content);
  }
});

test("a streamed call is accumulated", async () => {
  const bound = roomy.bindTools([weather],
    { tool_choice: "required", parallel_tool_calls: false });
  let all = new AIMessageChunk("");
  for await (const chunk of await bound.stream(asked)) all = all.concat(chunk);
  assert.equal(all.tool_calls.length, 1);
  Weather.parse(all.tool_calls[0].args);
});

test("structured output, by a schema and by a tool", async () => {
  for (const method of ["jsonSchema", "functionCalling"]) {
    const structured = roomy.withStructuredOutput(Weather, { name: "weather", method });
    Weather.parse(await structured.invoke(asked));
  }
});

test("completions", async () => {
  assert.ok(await new OpenAI(settings).invoke("The three largest oceans are"));
});
