/** The two parts of a language's texts, made by the build. */
declare module '*.json?first' {
  const texts: Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>;
  export default texts;
}
declare module '*.json?rest' {
  const texts: Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>;
  export default texts;
}
