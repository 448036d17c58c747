import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makePlan } from '../../../src/poll/likelihood/plan.ts';
import { planWords } from '../../../src/poll/likelihood/planWords.ts';

const usual = { gameRequests: 0, intervalSeconds: 30, requestsPerMinute: 780 };
const classes = [
  { users: 98_000, goLivesADay: 0.01 },
  { users: 1_588, goLivesADay: 0.1 },
  { users: 412, goLivesADay: 1 },
];

describe('a plan in words', () => {
  it('says how often who is asked for, and how late go-lives are found', () => {
    assert.equal(
      planWords(makePlan({ ...usual, classes, gameRequests: 10 }), true),
      '412 users every 9.4 s, 1,588 users every 27 s, 98,000 users every 1 min 25 s; games every 30 s; ' +
        'mean lag of users about 29 s (39 s with one frequency for all)',
    );
  });

  it('names the directory, and those together that are asked for equally often', () => {
    const directory = { requests: 1_000, delaySeconds: 0, recall: 1 };
    const many = classes.map(({ users, goLivesADay }) => ({ users: users * 10, goLivesADay }));
    assert.equal(
      planWords(makePlan({ ...usual, classes: many, directory }), false),
      '4,120 users every 36 s, 995,880 users every 2 h 8 min; the directory every 1 min 35 s; ' +
        'mean lag of users about 39 s (6 min 25 s with one frequency for all)',
    );
  });

  it('is short when there is one frequency', () => {
    assert.equal(
      planWords(makePlan({ ...usual, classes: classes.slice(2) }), false),
      '412 users every 30 s; mean lag of users about 15 s',
    );
    assert.equal(planWords(makePlan({ ...usual, classes: [], gameRequests: 10 }), true), 'games every 30 s');
  });
});
