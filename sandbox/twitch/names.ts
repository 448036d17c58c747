import type { Random } from './random.ts';

/** Categories that every sandbox knows: id, name, IGDB id. */
export const CATEGORIES: readonly [string, string, string][] = [
  ['509658', 'Just Chatting', ''],
  ['33214', 'Fortnite', '1905'],
  ['21779', 'League of Legends', '115'],
  ['32982', 'Grand Theft Auto V', '1020'],
  ['516575', 'VALORANT', '126459'],
  ['32399', 'Counter-Strike', '242408'],
  ['27471', 'Minecraft', '121'],
  ['511224', 'Apex Legends', '114795'],
  ['29595', 'Dota 2', '2963'],
  ['18122', 'World of Warcraft', '123'],
  ['743', 'Chess', '44714'],
  ['490422', 'StarCraft II', '239'],
  ['26936', 'Music', ''],
  ['509660', 'Art', ''],
  ['1469308723', 'Software and Game Development', ''],
];

const TITLES = [
  'first time playing {game}, no spoilers please',
  'chill {game} with viewers | !discord',
  'road to the top, day 12',
  '{game} until I win one',
  'late night stream, come hang out',
  'Coffee, chat and some {game}',
  'NEW SEASON! trying everything in {game}',
  'speedrun practice, sub-hour today?',
  'community night ✨ everyone welcome',
  'back from holidays! catching up in {game}',
  'hardcore run, attempt 47',
  'co-op with friends · {game}',
  '早起き配信 {game}',
  'Estreno de {game}, ¡vamos!',
  '24h marathon, hour 3',
  'learning {game} from zero',
];

const wordsOf = (text: string) => text.split(' ');
const ADJECTIVES = wordsOf(
  'amber brisk cobalt dapper electric frosty gentle hidden jolly lunar mellow nimble pixel quiet rusty sunny',
);
const NOUNS = wordsOf(
  'otter beacon cactus dragonfly ember falcon gecko harbor kettle lantern meadow nebula pancake raccoon thistle walrus',
);
const LANGUAGES = wordsOf('en en en en es de fr pt ja ko');
const TAGS = wordsOf('Chill FirstPlaythrough Competitive Cozy Speedrun Vtuber');

export function inventTitle(random: Random, game: string): string {
  return random.pick(TITLES).replace('{game}', game || 'whatever chat picks');
}

/** An invented channel name such as `PixelOtter42`; its login is the same in lower case. */
export function inventChannelName(random: Random): string {
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
  return `${capital(random.pick(ADJECTIVES))}${capital(random.pick(NOUNS))}${random.int(1000)}`;
}

export const inventLanguage = (random: Random): string => random.pick(LANGUAGES);

export function inventTags(random: Random, language: string): string[] {
  return [...new Set([language === 'en' ? 'English' : language, random.pick(TAGS)])];
}

/** Most channels have a handful of viewers, a few have thousands. */
export const inventViewers = (random: Random): number => Math.floor(Math.exp(random.exponential(2)));
