/** The pictures that screens use, under the names that screens use for them. */
export {
  Archive, ArrowLeft, AtSign, Ban, Bell, Building2, Check, CheckCheck, ChevronDown, ChevronRight, CircleAlert, CircleCheck, CircleDashed,
  CircleHelp, Clock, Code, Copy, CornerUpLeft, Download, Ellipsis, Eye, FileText, Flag, Globe, History, Image, Inbox, Info, KeyRound, Languages,
  Link, Lock, LogOut, Mail, MailOpen, MessageCircle, MessageSquare, Monitor, Moon, PanelRight, Paperclip, Pause, Pencil, Play, Plus, RefreshCw, RotateCcw,
  Search, Send, Settings, ShieldAlert, ShieldCheck, Smartphone, Sparkles, StickyNote, Sun, Tag, Trash2, TriangleAlert, Undo2, User, UserCheck, UserPlus, Users, Webhook,
  WifiOff, X, Zap, Hourglass, Headset, ScrollText, Import, ArrowDown, ArrowUp, GripVertical, CalendarClock, ClipboardList, ListChecks, LogIn, MessagesSquare, Star, TextQuote, ThumbsUp,
} from 'lucide';
