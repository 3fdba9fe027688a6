import type { Logger } from '../lib/log.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';

const limits = {
  /** Lines about one picture; a store full of garbage is told by its beginning and its count. */
  linesMax: 20,
} as const;

/** Says which stored values are not understood, and when they are again: each change once. */
export function unreadableLog(log: Logger): (picture: ClusterPicture) => void {
  let said: ReadonlyMap<string, string> = new Map();
  return ({ unreadableKeys = new Map<string, string>() }) => {
    if (unreadableKeys === said) return;
    const news = [...unreadableKeys].filter(([key, problem]) => said.get(key) !== problem);
    for (const [key, problem] of news.slice(0, limits.linesMax)) {
      log.warn({ key, problem }, 'stored value is not understood, leaving it as it is');
    }
    if (news.length > limits.linesMax) {
      log.warn({ count: news.length }, 'many stored values are not understood');
    }
    for (const key of said.keys()) {
      if (!unreadableKeys.has(key)) log.info({ key }, 'stored value is understood again');
    }
    said = unreadableKeys;
  };
}
