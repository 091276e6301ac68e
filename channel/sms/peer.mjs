// A short message centre by another author (npm "smpp"), for the test beside it. It
// says on standard output what it takes, sends a receipt for each part, and hands
// over what it reads on standard input: {"from", "text"}, one a line.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const smpp = createRequire(new URL('../../web/package.json', import.meta.url))('smpp');
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');
let session;
let id = 0x7f00;

const server = smpp.createServer((s) => {
  s.on('error', () => {});
  s.on('bind_transceiver', (pdu) => {
    const fine = pdu.system_id === 'desk' && pdu.password === process.argv[2];
    s.send(pdu.response({ command_status: fine ? smpp.ESME_ROK : smpp.ESME_RINVPASWD, system_id: 'peer' }));
    if (fine) session = s;
    say({ bound: fine });
  });
  s.on('enquire_link', (pdu) => s.send(pdu.response()));
  s.on('unbind', (pdu) => {
    s.send(pdu.response());
    s.close();
  });
  s.on('submit_sm', (pdu) => {
    const number = ++id;
    s.send(pdu.response({ message_id: number.toString(16) }));
    const m = pdu.short_message;
    say({ to: pdu.destination_addr, from: pdu.source_addr, text: m.message, coding: pdu.data_coding, joined: m.udh ? m.udh[0].toString('hex') : '', ref: pdu.user_message_reference });
    s.deliver_sm({
      source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
      short_message: `id:${number} sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:`,
    }, (answer) => say({ receipt: answer.command_status }));
  });
});
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));

createInterface({ input: process.stdin }).on('line', (l) => {
  const { from, text } = JSON.parse(l);
  session.deliver_sm({ source_addr_ton: 1, source_addr_npi: 1, source_addr: from, destination_addr: '79990001122', short_message: text }, (answer) => say({ delivered: answer.command_status }));
}).on('close', () => process.exit(0));
