/** The pictures that screens use, under the names that screens use for them. */
export {
  Activity, Archive, ArrowDown, ArrowLeft, ArrowUp, AtSign, Ban, Bell, BellOff, Bold, Building2, Cable, CalendarClock, CaseSensitive, Check, CheckCheck, ChevronDown,
  ChevronRight, CircleAlert, CircleCheck, CircleDashed, CircleHelp, ClipboardList, Clock, Code, Coffee, Copy, CornerUpLeft, Download, Ellipsis, ExternalLink, Eye,
  FileText, Flag, Forward, Globe, GripVertical, Heading, Headset, History, Hourglass, Image, Import, Inbox, Info, Italic, KeyRound, Languages, Link,
  List, ListChecks, ListFilter, ListOrdered, Lock, LogIn, LogOut, Mail, MailOpen, Megaphone, Merge, MessageCircle, MessageSquare, MessageSquareText,
  MessagesSquare, Mic, Monitor, Moon, PanelRight, Paperclip, Pause, Pencil, Phone, Play, Plus, Printer, RefreshCw, RotateCcw, Router, Satellite, ScrollText, Search, Send,
  Settings, ShieldAlert, ShieldCheck, Smartphone, Smile, Sparkles, Split, Square, SquareCode, Star, StickyNote, Strikethrough, Sun, Table, Tag,
  TextQuote, ThumbsUp, Trash2, TriangleAlert, Undo2, User, UserCheck, UserPlus, Users, Webhook, WifiOff, X, Zap,
} from 'lucide';
