/** Languages that customers write in and that a text can be made for, besides the console's own. */
export const spoken = [
  'en', 'ru', 'fa', 'ar', 'az', 'be', 'bg', 'ckb', 'cs', 'da', 'de', 'el', 'es', 'et', 'fi', 'fr', 'he', 'hi', 'hr', 'hu', 'hy', 'id', 'it', 'ja', 'ka', 'kk', 'ko', 'ky',
  'lt', 'lv', 'ms', 'nl', 'no', 'pl', 'ps', 'pt', 'ro', 'sk', 'sl', 'sr', 'sv', 'tg', 'th', 'tk', 'tr', 'uk', 'ur', 'uz', 'vi', 'zh',
];
